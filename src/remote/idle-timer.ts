import { LONGEST_TIMER } from '../core/util/signal.ts'

/**
 * Calls `silent` when a wait has lasted `ms`. One timer for many waits: setting one anew for each chunk would cost more than reading it. A wait
 * that outlasts a sleeping machine is noticed when it wakes.
 */
export class Watch {
  /** Since when something is waited for, ms since epoch; 0 where nothing is. */
  since = 0
  readonly #ms: number
  readonly #silent: () => void
  #timer: ReturnType<typeof setTimeout> | null = null

  constructor(ms: number, silent: () => void) {
    this.#ms = ms
    this.#silent = silent
  }

  wait(): void {
    this.since = Date.now()
    if (this.#ms > 0 && !this.#timer) this.#set(this.#ms)
  }

  end(): void {
    this.since = 0
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
  }

  #set(ms: number): void {
    this.#timer = setTimeout(
      () => {
        this.#timer = null
        const left = this.since + this.#ms - Date.now()
        if (this.since === 0) return
        if (left > 0) this.#set(left)
        else this.#silent()
      },
      Math.min(ms, LONGEST_TIMER),
    )
  }
}
