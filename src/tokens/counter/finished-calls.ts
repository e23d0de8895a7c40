import type { Call } from './call.ts'
import { type Item, Tally } from './usage-totals.ts'

/** So many calls are kept apart, for what may still be heard of them from the other side; older ones are in the sums alone. */
const KEPT = 200

/** Calls that are over, and their sums. */
export class Shelf {
  sum: Tally = new Tally()
  #old = new Tally()
  readonly #items = new Map<Call, Item>()

  has(call: Call): boolean {
    return this.#items.has(call)
  }

  /** Counts a call, or counts it anew; gives one that was forgotten for it. */
  put(call: Call, item: Item): Call | undefined {
    const isKnown = this.#items.has(call)
    this.#items.set(call, item)
    if (isKnown) {
      this.sum = new Tally(this.#old)
      for (const each of this.#items.values()) this.sum.add(each)
      return
    }
    this.sum.add(item)
    for (const [oldest, its] of this.#items) {
      if (this.#items.size <= KEPT) return
      this.#old.add(its)
      this.#items.delete(oldest)
      return oldest
    }
  }
}
