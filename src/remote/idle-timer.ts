import { MAX_TIMER_MS } from '../core/util/signal.ts'

/**
 * Calls `onIdle` when a wait has lasted `ms`. One timer serves many waits, because setting a timer for each chunk would cost more than
 * reading the chunk. If the machine sleeps during a wait, the timeout is detected when it wakes.
 */
export class IdleTimer {
  /** When the pending wait began, in ms since epoch; 0 if none is pending. */
  waitingSince = 0
  readonly #ms: number
  readonly #onIdle: () => void
  #timer: ReturnType<typeof setTimeout> | null = null

  constructor(ms: number, onIdle: () => void) {
    this.#ms = ms
    this.#onIdle = onIdle
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
