/** What is used of a window. Types of Workers have none. */
interface PageGlobal extends EventTarget {
  readonly document?: EventTarget & { readonly visibilityState: string }
}

/** Tells when a page is seen no more (the last that one on a phone may hear) and when it is left, until it is told to stop; elsewhere nothing. */
export function watchPageHide(hidden: () => void, left: () => void): () => void {
  const page = globalThis as unknown as PageGlobal
  const { document } = page
  if (!document) return () => {}
  const see = (): void => (document.visibilityState === 'hidden' ? hidden() : undefined)
  document.addEventListener('visibilitychange', see)
  page.addEventListener('pagehide', left)
  return () => {
    document.removeEventListener('visibilitychange', see)
    page.removeEventListener('pagehide', left)
  }
}
