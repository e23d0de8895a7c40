import { ChaintapError } from '../errors.ts'

/** The result of {@link Source.next}: a value, or the end. */
export type SourceResult<T> =
  | {
      /** Whether this is the end. */
      readonly done: false
      /** The value; ignored at the end. */
      readonly value: T
    }
  | { readonly done: true; readonly value?: unknown }

/** Maps a batch to a reader's result. Called with undefined at the end. */
export type BatchMapper<Chunk, T> = (batch: readonly Chunk[] | undefined) => T

/** Reads a run in batches, for a RunStream. */
export interface BatchReader<Chunk> {
  /** Resolves with the result of `take` for the next batch. One call at a time. */
  read<T>(take: BatchMapper<Chunk, T>): Promise<T>
  /** Ends the run. The reader gets the chunks produced so far, then the end. */
  stop(reason: unknown): void
}

/** Is notified when the reading of a flow ends: the run of the flow. */
export interface FlowOwner {
  /** Called at the end of a flow that did not fail. */
  onEnd(): void
  /** Called with the failure. If the promise resolves, the reader gets the end; if it rejects, the reader gets that rejection. */
  onError(error: unknown): Promise<void>
}

/**
 * Supplies the values of a flow, one at a time: a response body, a single value, an iterator.
 *
 * @example
 * const ticks = (count: number): Source<number> => ({
 *   next: () => (count > 0 ? { done: false, value: count-- } : { done: true }),
 *   cancel: () => {
 *     count = 0
 *   },
 * })
 */
export interface Source<T = unknown> {
  /** Returns the next value or the end, or a promise of it. Called again only after that promise has settled. */
  next(): Promise<SourceResult<T>> | SourceResult<T>
  /** Closes the underlying resource and settles a pending `next()` before it returns. Must not throw. */
  cancel(reason: unknown): void
  /** Maps the rejection of `next()` to the error of the flow. A `catch` in `next()` would cost one more promise per wire chunk. */
  explain?(error: unknown): unknown
}

/**
 * Creates a source from a stream. It uses a reader, not `for await`: streams in WebKit are not iterable.
 *
 * @throws ChaintapError `stream_taken` if the stream is locked
 */
export function fromStream<T>(stream: ReadableStream<T>): Source<T> {
  if (stream.locked) throw new ChaintapError('stream_taken', 'The stream is locked. Pass an unlocked stream: each stream can feed one run.')
  const reader = stream.getReader()
  return {
    next: () => reader.read(),
    cancel: (reason) => void reader.cancel(reason).catch(() => {}),
  }
}

/** Creates a source of one value. */
export function fromValue<T>(value: T): Source<T> {
  let result: SourceResult<T> = { done: false, value }
  return {
    next: () => {
      const current = result
      result = { done: true }
      return current
    },
    cancel: () => {
      result = { done: true }
    },
  }
}

/**
 * Creates a source from an iterator. Sync iterators give promises too: the flow would otherwise nest calls as deep as they are long.
 *
 * @param owner The name of the step in the error of an iterator that returns no result object.
 */
export function fromIterator<T>(iterator: AsyncIterator<T> | Iterator<T>, owner: string): Source<T> {
  let settle: ((read: SourceResult<T>) => void) | undefined
  return {
    next: () =>
      new Promise((resolve, reject) => {
        settle = resolve
        Promise.resolve(iterator.next()).then((result) => {
          if (typeof result === 'object' && result !== null) resolve(result as SourceResult<T>)
          else reject(noResultError(owner, result))
        }, reject)
      }),
    cancel: () => {
      settle?.({ done: true })
      // A suspended generator returns only after its pending await; its result is ignored, and so is an iterator that fails to close.
      void returnIterator(iterator).catch(() => {})
    },
  }
}

// An async function, so that a `return` that throws rejects.
async function returnIterator(iterator: AsyncIterator<unknown> | Iterator<unknown>): Promise<void> {
  await iterator.return?.()
}

function noResultError(owner: string, result: unknown): ChaintapError {
  const what = result === null || result === undefined ? String(result) : `a ${typeof result}`
  return new ChaintapError(
    'invalid_input',
    `The iterator of ${owner} returned ${what} from next(). It must return { done, value } or a promise of it.`,
  )
}
