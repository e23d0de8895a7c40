import { ChaintapError } from '../errors.ts'

export type SourceResult<T> = { readonly done: false; readonly value: T } | { readonly done: true; readonly value?: unknown }

/** What a reader makes of a batch; undefined at the end. */
export type BatchMapper<Chunk, T> = (batch: readonly Chunk[] | undefined) => T

/** Reads a run in batches: what a RunStream reads from. */
export interface BatchReader<Chunk> {
  /** Resolves with what `take` returns for the next batch. One call at a time. */
  read<T>(take: BatchMapper<Chunk, T>): Promise<T>
  /** Ends the run. The reader gets what came before, then the end. */
  stop(reason: unknown): void
}

/** Told how the reading of a flow ends. */
export interface FlowOwner {
  onEnd(): void
  /** Where it resolves the reader gets the end, where it rejects the failure. */
  onError(error: unknown): Promise<void>
}

/** Where a flow's values come from, one at a time: a response body, a single value, an iterator. */
export interface Source<T = unknown> {
  next(): Promise<SourceResult<T>> | SourceResult<T>
  /** Must close what is beneath and settle a waiting `next()` before it returns, and must not throw. */
  cancel(reason: unknown): void
  /** What a failed `next()` means. Beside it, as a `catch` there would be one more promise per wire chunk. */
  explain?(error: unknown): unknown
}

/** Reads with a reader, not by `for await`: WebKit's streams are not iterable. */
export function fromStream<T>(stream: ReadableStream<T>): Source<T> {
  if (stream.locked) throw new ChaintapError('stream_taken', 'This stream is being read by somebody else. A stream serves one run.')
  const reader = stream.getReader()
  return {
    next: () => reader.read(),
    cancel: (reason) => void reader.cancel(reason).catch(() => {}),
  }
}

export function fromValue<T>(value: T): Source<T> {
  let read: SourceResult<T> = { done: false, value }
  return {
    next: () => {
      const now = read
      read = { done: true }
      return now
    },
    cancel: () => {
      read = { done: true }
    },
  }
}

/** Of a plain iterator too it gives promises: a flow that goes on at once would nest calls as deep as the iterator has values. */
export function fromIterator<T>(iterator: AsyncIterator<T> | Iterator<T>): Source<T> {
  let settle: ((read: SourceResult<T>) => void) | undefined
  return {
    next: () =>
      new Promise((resolve, reject) => {
        settle = resolve
        Promise.resolve(iterator.next()).then(resolve as (read: IteratorResult<T>) => void, reject)
      }),
    cancel: () => {
      settle?.({ done: true })
      // A generator that is waiting returns when its wait is over; nobody is left to hear how.
      void Promise.resolve(iterator.return?.()).catch(() => {})
    },
  }
}
