import { ChaintapError, readerLeftReason, UserStop } from '../errors.ts'
import type { Run } from '../event.ts'
import { ChunkIterator } from '../flow/iterator.ts'
import type { BatchReader } from '../flow/source.ts'
import type { Outcome } from '../outcome.ts'
import { type AsyncDisposableIfKnown, setAsyncDispose } from '../util/dispose.ts'
import type { RunDriver } from './driver.ts'

type ReadMode = 'stream' | 'iterator' | 'batches' | 'nextBatch' | 'drain'

/**
 * What `stream()` and `events()` give: a run that is driven by reading it. It has three faces, and the first one used takes it: the
 * stream itself, its async iterator (the fastest), and {@link RunStream.batches | batches()}. Nothing starts before the first read.
 *
 * Leaving (`break`, `cancel()`, `stop()`) ends the run, closes the provider's body and is silent for the reader; an abort by
 * `signal` or `timeout` is thrown, after what was received.
 *
 * @example
 * const run = chain.stream({ animal: 'bears' })
 * for await (const text of run) answer.append(text)
 * const { status, usage } = await run.outcome
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: a class cannot declare a member that only some libs know
export class RunStream<Chunk, Out> extends ReadableStream<Chunk> {
  readonly #driver: RunDriver<unknown, Out>
  readonly #reader: BatchReader<Chunk>
  #mode: ReadMode | undefined

  /** @internal */
  constructor(pump: RunDriver<unknown, Out>, reader: BatchReader<Chunk>) {
    // The fields are not there yet while ReadableStream starts, but `pull` is first called by a read.
    super(
      {
        pull: (controller) => {
          this.#claim('stream')
          return reader.read((batch) => {
            if (!batch) controller.close()
            else for (const chunk of batch) controller.enqueue(chunk)
          })
        },
        cancel: (reason) => reader.stop(reason ?? readerLeftReason()),
      },
      // Nothing is read before somebody asks.
      { highWaterMark: 0 },
    )
    this.#driver = pump
    this.#reader = reader
    setAsyncDispose(this, async () => {
      this.stop()
      await this.outcome
    })
  }

  /** The run that this stream reads. */
  get run(): Run {
    return this.#driver.run.run
  }

  /** How the run ended. Settles on every path of a stream that is read, drained or stopped, and never rejects. It does not read. */
  get outcome(): Promise<Outcome<Out>> {
    return this.#driver.outcome
  }

  /** Settles when the handlers of the whole run tree are done, their `flush()` included: the promise for `waitUntil`. */
  get flushed(): Promise<void> {
    return this.#driver.run.tree.flushed
  }

  /** Ends the run, whoever reads it. The reader gets what was received, then the end. */
  stop(reason: unknown = new UserStop()): void {
    this.#reader.stop(reason)
  }

  /** Reads to the end, for who wants only the outcome or the handlers. Throws what reading throws. */
  async drain(): Promise<void> {
    this.#claim('drain')
    await drainReader(this.#reader)
  }

  /** A batch per wire chunk: what responses and other machines read. */
  batches(): ReadableStream<readonly Chunk[]> {
    this.#claim('batches')
    const reader = this.#reader
    return new ReadableStream<readonly Chunk[]>(
      {
        pull: (controller) => reader.read((batch) => (batch ? controller.enqueue(batch) : controller.close())),
        cancel: (reason) => reader.stop(reason ?? readerLeftReason()),
      },
      { highWaterMark: 0 },
    )
  }

  /** The next batch, without a stream in between; undefined at the end. One call at a time. @internal */
  nextBatch(): Promise<readonly Chunk[] | undefined> {
    if (this.#mode !== 'nextBatch') this.#claim('nextBatch')
    return this.#reader.read(identity)
  }

  /** Takes batches apart past the stream's own queue: a resolved promise per chunk, and a read per batch. */
  override [Symbol.asyncIterator](): ChunkIterator<Chunk> {
    this.#claim('iterator')
    return new ChunkIterator(this.#reader)
  }

  override values(): ChunkIterator<Chunk> {
    return this[Symbol.asyncIterator]()
  }

  #claim(face: ReadMode): void {
    const taken = this.#mode ?? (this.locked && face !== 'stream' ? 'stream' : undefined)
    if (taken && (taken !== face || face !== 'stream')) {
      throw new ChaintapError(
        'stream_taken',
        `This run is being read already (${taken}). Read it once; handlers hear everything beside that.`,
      )
    }
    this.#mode = face
  }
}

/** `await using run = chain.stream(input)` stops the run if it was not read to its end. */
// biome-ignore-start lint/correctness/noUnusedVariables: merged declarations name the same type parameters
// oxlint-disable-next-line no-unused-vars
export interface RunStream<Chunk, Out> extends AsyncDisposableIfKnown {}
// biome-ignore-end lint/correctness/noUnusedVariables: merged declarations name the same type parameters

/** Reads to the end, for what the handlers hear and the run folds. */
export async function drainReader(reader: BatchReader<unknown>): Promise<void> {
  while (await reader.read(isBatch)) {
    // Heard, and folded.
  }
}

const identity = <T>(batch: T): T => batch
const isBatch = (batch: unknown): boolean => batch !== undefined
