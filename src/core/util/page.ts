/** What is used of a page's window. The types of Workers have none of it. */
interface PageGlobal extends EventTarget {
  readonly document?: EventTarget & { readonly visibilityState: string }
}

/** `persisted` of a PageTransitionEvent: the page comes out of the back/forward cache, or enters it. */
interface PageEvent extends Event {
  readonly persisted?: boolean
}

/** Listeners for the lifecycle events of a page. `hidden` and `visible` are the two states of `visibilitychange`. */
interface PageListeners {
  /** On phones this may be the last event that is fired. */
  readonly hidden?: () => void
  readonly visible?: () => void
  readonly freeze?: () => void
  readonly pagehide?: () => void
  readonly pageshow?: (event: PageEvent) => void
  readonly offline?: () => void
  readonly online?: () => void
}

/**
 * Listens to the lifecycle of the page; returns a function that removes the listeners. Not to `unload`, which keeps a page out of the
 * back/forward cache. Web workers fire `offline` and `online` only; in Node and at the edge nothing is called.
 */
export function watchPage({ hidden, visible, ...others }: PageListeners): () => void {
  const page = globalThis as unknown as PageGlobal
  // The globals of edge runtimes take listeners too, but for other events.
  if (!('ononline' in page)) return () => {}
  const { document } = page
  const visibilitychange = (): void => (document?.visibilityState === 'hidden' ? hidden : visible)?.()
  const listeners = Object.entries({ ...others, visibilitychange })
  const targetOf = (type: string): EventTarget => (document && (type === 'visibilitychange' || type === 'freeze') ? document : page)
  for (const [type, listener] of listeners) targetOf(type).addEventListener(type, listener)
  return () => {
    for (const [type, listener] of listeners) targetOf(type).removeEventListener(type, listener)
  }
}
