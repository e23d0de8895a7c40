import { MAX_TIMER_MS } from '../core/util/signal.ts'

/**
 * Calls `silent` when a wait has lasted `ms`. One timer for many waits: setting one anew for each chunk would cost more than reading it. A wait
 * that outlasts a sleeping machine is noticed when it wakes.
 */
export class IdleTimer {
  /** Since when something is waited for, ms since epoch; 0 where nothing is. */
  waitingSince = 0
  readonly #ms: number
  readonly #onIdle: () => void
  #timer: ReturnType<typeof setTimeout> | null = null

  constructor(ms: number, silent: () => void) {
    this.#ms = ms
    this.#onIdle = silent
  }

  start(): void {
    this.waitingSince = Date.now()
    if (this.#ms > 0 && !this.#timer) this.#schedule(this.#ms)
  }

  stop(): void {
    this.waitingSince = 0
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
  }

  #schedule(ms: number): void {
    this.#timer = setTimeout(
      () => {
        this.#timer = null
        const left = this.waitingSince + this.#ms - Date.now()
        if (this.waitingSince === 0) return
        if (left > 0) this.#schedule(left)
        else this.#onIdle()
      },
      Math.min(ms, MAX_TIMER_MS),
    )
  }
}
