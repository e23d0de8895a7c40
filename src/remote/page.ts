/**
 * Calls `back` when the page is there again after it was away: hidden or frozen for `graceMs` or longer, offline, or kept for going back to.
 * It is told since when. Phones cut the connections of pages that are away, and say nothing. Shorter looks at other tabs are none of our
 * business. Gives what stops it; where there is no page, nothing ever comes.
 */
export function onPageResume(graceMs: number, back: (since: number) => void): () => void {
  // Workers' globals take listeners too, but for other things.
  if (!('ononline' in globalThis)) return () => {}
  const { document } = globalThis as { readonly document?: { readonly hidden: boolean } }
  let away = 0
  const onPageEvent = (event: Event): void => {
    const { type, persisted } = event as Event & { readonly persisted?: boolean }
    const isLeaving = type === 'offline' || type === 'pagehide' || (type === 'visibilitychange' && document?.hidden)
    if (isLeaving) away ||= Date.now()
    else if (away) {
      const since = away
      away = 0
      if (type === 'online' || persisted || Date.now() - since >= graceMs) back(since)
    }
  }
  const page = globalThis as unknown as EventTarget
  const types = ['visibilitychange', 'pagehide', 'pageshow', 'offline', 'online']
  // They bubble from the document to the window.
  for (const type of types) page.addEventListener(type, onPageEvent)
  return () => {
    for (const type of types) page.removeEventListener(type, onPageEvent)
  }
}
