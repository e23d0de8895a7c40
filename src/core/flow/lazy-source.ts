import type { Source, SourceResult } from './source.ts'

/** Creates a source that is opened at its first read. */
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
    // If it is still opening, `open` itself must close the source that it opens too late.
    cancel: (reason) => (source ? source.cancel(reason) : settle?.({ done: true })),
    explain: (error) => (source ? source.explain?.(error) : error),
  }
}
