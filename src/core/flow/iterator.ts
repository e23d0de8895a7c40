import { readerLeft } from '../errors.ts'
import type { Batches } from '../run/driver.ts'

// Missing in WebKit; the well-known name that engines without it agree on.
export const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')

type Result<Chunk> = IteratorResult<Chunk, undefined>

/** Takes batches apart: while one lasts, a resolved promise per chunk; then one promise per batch. */
export class ChunkIterator<Chunk> implements AsyncIterableIterator<Chunk> {
  declare readonly [Symbol.asyncDispose]: () => Promise<void>
  readonly #reader: Batches<Chunk>
  #batch: readonly Chunk[] = []
  #at = 0
  #isReading = false
  #reading: Promise<Result<Chunk>> = Promise.resolve({ done: true, value: undefined })

  constructor(reader: Batches<Chunk>) {
    this.#reader = reader
    Object.defineProperty(this, asyncDispose, { value: () => this.return() })
  }

  next(): Promise<Result<Chunk>> {
    // Calls that do not wait for each other are answered in their order, as the language asks of async generators.
    if (this.#isReading) return this.#reading.then(() => this.next())
    if (this.#at < this.#batch.length) return Promise.resolve({ done: false, value: this.#batch[this.#at++] as Chunk })
    this.#isReading = true
    this.#reading = this.#reader.read(this.#take)
    return this.#reading
  }

  readonly #take = (batch: readonly unknown[] | undefined): Result<Chunk> => {
    this.#isReading = false
    if (!batch) return { done: true, value: undefined }
    this.#batch = batch as readonly Chunk[]
    this.#at = 1
    return { done: false, value: batch[0] as Chunk }
  }

  async return(): Promise<Result<Chunk>> {
    this.#batch = []
    this.#reader.stop(readerLeft())
    return { done: true, value: undefined }
  }

  async throw(error: unknown): Promise<Result<Chunk>> {
    this.#batch = []
    this.#reader.stop(error)
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
