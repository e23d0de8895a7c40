import type { TrackedCall } from './tracked-call.ts'
import { type CallTotals, UsageTotals } from './usage-totals.ts'

/**
 * The number of calls that are kept one by one, to be matched with a later report of the other source. Older calls are only in the sums.
 */
const MAX_KEPT_CALLS = 200

/** Finished calls, and their sums. */
export class FinishedCalls {
  totals: UsageTotals = new UsageTotals()
  #evictedTotals = new UsageTotals()
  readonly #totalsByCall = new Map<TrackedCall, CallTotals>()

  has(call: TrackedCall): boolean {
    return this.#totalsByCall.has(call)
  }

  /** Adds or replaces the totals of a call. Returns the oldest call if it was evicted. */
  put(call: TrackedCall, added: CallTotals): TrackedCall | undefined {
    const isKnown = this.#totalsByCall.has(call)
    this.#totalsByCall.set(call, added)
    if (isKnown) {
      this.totals = new UsageTotals(this.#evictedTotals)
      for (const totals of this.#totalsByCall.values()) this.totals.add(totals)
      return
    }
    this.totals.add(added)
    for (const [oldest, totals] of this.#totalsByCall) {
      if (this.#totalsByCall.size <= MAX_KEPT_CALLS) return
      this.#evictedTotals.add(totals)
      this.#totalsByCall.delete(oldest)
      return oldest
    }
  }
}
