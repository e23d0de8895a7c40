import { ChaintapError, readerLeftReason, UserStop } from '../errors.ts'
import type { Run } from '../event.ts'
import { ChunkIterator } from '../flow/iterator.ts'
import type { BatchReader } from '../flow/source.ts'
import type { Outcome } from '../outcome.ts'
import { type AsyncDisposableIfKnown, setAsyncDispose } from '../util/dispose.ts'
import type { RunDriver } from './driver.ts'

type ReadMode = 'stream' | 'iterator' | 'batches' | 'nextBatch' | 'drain'

/**
 * A run that is driven by reading it, returned by `stream()` and `events()`. The run starts with the first read.
 *
 * - Read it in one way only: as a `ReadableStream`, with `for await` (the fastest), or through {@link RunStream.batches | batches()}. The
 *   first way used locks the stream; another one throws `stream_taken`.
 * - Leaving (`break`, `cancel()`, `stop()`) ends the run and closes the provider's response body. The read ends without an error.
 * - An abort by `signal` or `timeout` is thrown after the chunks that were received.
 *
 * Awaiting `outcome` or `flushed` does not read: without a reader, call {@link RunStream.drain | drain()}.
 *
 * @example
 * const run = chain.stream('bears')
 * for await (const text of run) show(text)
 * const { status, usage } = await run.outcome
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: a class cannot declare a member that only some libs know
export class RunStream<Chunk, Out> extends ReadableStream<Chunk> {
  readonly #driver: RunDriver<unknown, Out>
  readonly #reader: BatchReader<Chunk>
  #mode: ReadMode | undefined

  /** @internal */
  constructor(driver: RunDriver<unknown, Out>, reader: BatchReader<Chunk>) {
    // The fields do not exist yet while ReadableStream starts, but `pull` is first called by a read.
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
      // No read before the reader's first one.
      { highWaterMark: 0 },
    )
    this.#driver = driver
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

  /**
   * How the run ended. Resolves once the stream was read to its end, drained or stopped; never rejects. Access it before reading if the
   * output may exceed 512 K characters: larger outputs are kept on request only.
   *
   * @throws ChaintapError `output_not_kept` if the output was discarded already
   */
  get outcome(): Promise<Outcome<Out>> {
    return this.#driver.outcome
  }

  /**
   * Resolves when all handlers of the run tree have processed its events and are flushed. Pass it to a Worker's `ctx.waitUntil`.
   *
   * @example
   * const run = chain.stream('bears')
   * await run.drain()
   * await run.flushed
   */
  get flushed(): Promise<void> {
    return this.#driver.run.tree.flushed
  }

  /**
   * Ends the run. Its reader receives the chunks that have arrived, then the end. No effect on a run that has ended.
   *
   * @param reason Becomes `error` of the outcome.
   * @defaultValue a {@link UserStop}
   */
  stop(reason: unknown = new UserStop()): void {
    this.#reader.stop(reason)
  }

  /**
   * Reads to the end and discards the chunks, when only the outcome or the handlers matter.
   *
   * @throws the error of a failed run; ChaintapError `stream_taken` if the run is being read already
   */
  async drain(): Promise<void> {
    this.#claim('drain')
    await drainReader(this.#reader)
  }

  /**
   * The chunks in batches, one per chunk of the provider's response: fewer promises for a reader that forwards them.
   *
   * @throws ChaintapError `stream_taken` if the run is being read already
   */
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

  /**
   * Iterates over the chunks without the stream's own queue: a resolved promise per chunk, and a read per batch.
   *
   * @throws ChaintapError `stream_taken` if the run is being read already
   */
  override [Symbol.asyncIterator](): ChunkIterator<Chunk> {
    this.#claim('iterator')
    return new ChunkIterator(this.#reader)
  }

  /** The same as iterating with `for await`. Options of `ReadableStream.values` are ignored: leaving always ends the run. */
  override values(): ChunkIterator<Chunk> {
    return this[Symbol.asyncIterator]()
  }

  #claim(mode: ReadMode): void {
    const taken = this.#mode ?? (this.locked && mode !== 'stream' ? 'stream' : undefined)
    if (taken && (taken !== mode || mode !== 'stream')) {
      throw new ChaintapError('stream_taken', `This run is being read already (${taken}). Read it once, and observe it with handlers.`)
    }
    this.#mode = mode
  }
}

/** `await using run = chain.stream(input)` stops the run if it was not read to its end. */
// biome-ignore-start lint/correctness/noUnusedVariables: merged declarations name the same type parameters
// oxlint-disable-next-line no-unused-vars
export interface RunStream<Chunk, Out> extends AsyncDisposableIfKnown {}
// biome-ignore-end lint/correctness/noUnusedVariables: merged declarations name the same type parameters

/** Reads to the end. The chunks are accumulated by the run, and emitted to its handlers. */
export async function drainReader(reader: BatchReader<unknown>): Promise<void> {
  while (await reader.read(isBatch)) {
    // Nothing to do with the chunks here.
  }
}

const identity = <T>(batch: T): T => batch
const isBatch = (batch: unknown): boolean => batch !== undefined
