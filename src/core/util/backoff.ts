import { listenForAbort } from './signal.ts'

/**
 * The pause before a retry, in ms: a random 50 to 100 % of 500, doubled for each further retry up to 8,000.
 *
 * @param attempt the number of the attempt that failed, from 1
 */
export const backoffMs = (attempt: number): number => Math.min(8_000, 250 * 2 ** attempt) * (0.5 + Math.random() / 2)

/** Waits `ms` milliseconds. If the signal aborts first, clears the timer and rejects with the abort reason. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      removeListener()
      resolve()
    }, ms)
    const removeListener = listenForAbort(signal, (reason) => {
      clearTimeout(timer)
      reject(reason)
    })
  })
}
