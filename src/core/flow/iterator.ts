import { readerLeftReason } from '../errors.ts'
import { type AsyncDisposableIfKnown, setAsyncDispose } from '../util/dispose.ts'
import type { BatchReader } from './source.ts'

type ChunkResult<Chunk> = IteratorResult<Chunk, undefined>

/**
 * Iterates over the chunks of batches: a resolved promise per chunk of the current batch, then one read per batch.
 *
 * @example
 * for await (const chunk of chain.stream('Hello')) show(chunk)
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: a class cannot declare a member that only some libs know
export class ChunkIterator<Chunk> implements AsyncIterableIterator<Chunk> {
  readonly #reader: BatchReader<Chunk>
  #batch: readonly Chunk[] = []
  #index = 0
  #isReading = false
  #reading: Promise<ChunkResult<Chunk>> = Promise.resolve({ done: true, value: undefined })

  /** @internal */
  constructor(reader: BatchReader<Chunk>) {
    this.#reader = reader
    setAsyncDispose(this, () => this.return())
  }

  /** Resolves with the next chunk, or the end. */
  next(): Promise<ChunkResult<Chunk>> {
    // Concurrent calls resolve in call order, as the language specifies for async generators.
    if (this.#isReading) return this.#reading.then(() => this.next())
    if (this.#index < this.#batch.length) return Promise.resolve({ done: false, value: this.#batch[this.#index++] as Chunk })
    this.#isReading = true
    this.#reading = this.#reader.read(this.#onBatch)
    return this.#reading
  }

  readonly #onBatch = (batch: readonly unknown[] | undefined): ChunkResult<Chunk> => {
    this.#isReading = false
    if (!batch) return { done: true, value: undefined }
    this.#batch = batch as readonly Chunk[]
    this.#index = 1
    return { done: false, value: batch[0] as Chunk }
  }

  /** Stops the run: `break` in a `for await` loop calls it. */
  async return(): Promise<ChunkResult<Chunk>> {
    this.#batch = []
    this.#reader.stop(readerLeftReason())
    return { done: true, value: undefined }
  }

  /** Stops the run with `error` as the reason, and rejects with it. */
  async throw(error: unknown): Promise<ChunkResult<Chunk>> {
    this.#batch = []
    this.#reader.stop(error)
    throw error
  }

  /** Returns itself. */
  [Symbol.asyncIterator](): this {
    return this
  }
}

export interface ChunkIterator<Chunk> extends AsyncIterableIterator<Chunk>, AsyncDisposableIfKnown {}
