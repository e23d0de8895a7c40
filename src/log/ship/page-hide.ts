/** The part of `window` that is used; the types of Workers have no `window`. */
interface PageGlobal extends EventTarget {
  readonly document?: EventTarget & { readonly visibilityState: string }
}

/**
 * Calls `hidden` when the page becomes hidden (often the last event on phones) and `left` on pagehide. Returns a function that removes the
 * listeners. Does nothing outside a page.
 */
export function watchPageHide(hidden: () => void, left: () => void): () => void {
  const page = globalThis as unknown as PageGlobal
  const { document } = page
  if (!document) return () => {}
  const onChange = (): void => (document.visibilityState === 'hidden' ? hidden() : undefined)
  document.addEventListener('visibilitychange', onChange)
  page.addEventListener('pagehide', left)
  return () => {
    document.removeEventListener('visibilitychange', onChange)
    page.removeEventListener('pagehide', left)
  }
}
