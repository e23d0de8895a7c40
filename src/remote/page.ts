import { watchPage } from '../core/util/page.ts'

/**
 * Calls `onResume` when the page returns after it was away: hidden or frozen for at least `graceMs`, offline, or in the back/forward
 * cache; passes the time at which it left, in ms since epoch. Phones cut the connections of such pages without an error. Returns a function
 * that removes the listeners.
 */
export function onPageResume(graceMs: number, onResume: (since: number) => void): () => void {
  let awaySince = 0
  const leave = (): void => {
    awaySince ||= Date.now()
  }
  const resume = (isCut: boolean): void => {
    const since = awaySince
    awaySince = 0
    if (since && (isCut || Date.now() - since >= graceMs)) onResume(since)
  }
  return watchPage({
    hidden: leave,
    pagehide: leave,
    offline: leave,
    visible: () => resume(false),
    pageshow: ({ persisted }) => resume(persisted === true),
    online: () => resume(true),
  })
}
