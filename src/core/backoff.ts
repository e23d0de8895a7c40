import { follow } from './signal.ts'

/** How long to wait before attempt `attempt` (1 is the first retry): doubling from `base` ms, at most `max`, half of it by chance. */
export function backoffMs(attempt: number, { base = 500, max = 8_000, random = Math.random }: BackoffOptions = {}): number {
  const full = Math.min(max, base * 2 ** (attempt - 1))
  return full / 2 + (full / 2) * random()
}

export interface BackoffOptions {
  readonly base?: number
  readonly max?: number
  readonly random?: () => number
}

/** Waits `ms`; rejects with the signal's reason when it aborts first, and leaves no timer behind. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      unfollow()
      resolve()
    }, ms)
    const unfollow = follow(signal, (reason) => {
      clearTimeout(timer)
      reject(reason)
    })
  })
}
