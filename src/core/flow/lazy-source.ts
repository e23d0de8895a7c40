import type { Source, SourceResult } from './source.ts'

/** Creates a source that is opened at its first read. */
export function lazySource<T>(open: () => Promise<Source<T>>): Source<T> {
  let source: Source<T> | undefined
  let settle: ((read: SourceResult<T>) => void) | undefined
  let cancelled: { readonly reason: unknown } | undefined
  return {
    next: () =>
      source?.next() ??
      new Promise((resolve, reject) => {
        settle = resolve
        open().then((opened) => {
          source = opened
          // A read of a cancelled source may reject, and nothing waits for it any more.
          if (cancelled) opened.cancel(cancelled.reason)
          else resolve(opened.next())
        }, reject)
      }),
    cancel: (reason) => {
      cancelled = { reason }
      if (source) source.cancel(reason)
      else settle?.({ done: true })
    },
    explain: (error) => (source ? source.explain?.(error) : error),
  }
}
