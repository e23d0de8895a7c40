import { listenForAbort } from './signal.ts'

/** How long to wait before attempt `attempt` (1 is the first retry), in ms: 500, doubled each time, at most 8,000, half of it by chance. */
export const backoffMs = (attempt: number): number => Math.min(8_000, 250 * 2 ** attempt) * (0.5 + Math.random() / 2)

/** Waits `ms`; rejects with the signal's reason when it aborts first, and leaves no timer behind. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      unfollow()
      resolve()
    }, ms)
    const unfollow = listenForAbort(signal, (reason) => {
      clearTimeout(timer)
      reject(reason)
    })
  })
}
