import type { Source, SourceResult } from './source.ts'

/** A source that is opened when it is first read. */
export function lazySource<T>(open: () => Promise<Source<T>>): Source<T> {
  let source: Source<T> | undefined
  let settle: ((read: SourceResult<T>) => void) | undefined
  return {
    next: () =>
      source?.next() ??
      new Promise((resolve, reject) => {
        settle = resolve
        open().then((opened) => {
          source = opened
          resolve(opened.next())
        }, reject)
      }),
    // What is being opened closes what it opens too late by itself.
    cancel: (reason) => (source ? source.cancel(reason) : settle?.({ done: true })),
    explain: (error) => (source ? source.explain?.(error) : error),
  }
}
