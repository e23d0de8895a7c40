import type { TrackedCall } from './tracked-call.ts'
import { type CallTotals, UsageTotals } from './usage-totals.ts'

/** So many calls are kept apart, for what may still be heard of them from the other side; older ones are in the sums alone. */
const MAX_KEPT_CALLS = 200

/** Calls that are over, and their sums. */
export class FinishedCalls {
  totals: UsageTotals = new UsageTotals()
  #evictedTotals = new UsageTotals()
  readonly #totalsByCall = new Map<TrackedCall, CallTotals>()

  has(call: TrackedCall): boolean {
    return this.#totalsByCall.has(call)
  }

  /** Counts a call, or counts it anew; gives one that was forgotten for it. */
  put(call: TrackedCall, item: CallTotals): TrackedCall | undefined {
    const isKnown = this.#totalsByCall.has(call)
    this.#totalsByCall.set(call, item)
    if (isKnown) {
      this.totals = new UsageTotals(this.#evictedTotals)
      for (const each of this.#totalsByCall.values()) this.totals.add(each)
      return
    }
    this.totals.add(item)
    for (const [oldest, its] of this.#totalsByCall) {
      if (this.#totalsByCall.size <= MAX_KEPT_CALLS) return
      this.#evictedTotals.add(its)
      this.#totalsByCall.delete(oldest)
      return oldest
    }
  }
}
