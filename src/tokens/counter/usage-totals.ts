import { addUsage, type Usage } from '../../core/usage.ts'
import { addCost, type Cost, noCost, type Price } from '../prices/prices.ts'

/** What one call adds to the sums. */
export interface CallTotals {
  readonly usage: Usage
  readonly reported: Usage | undefined
  readonly model: string | undefined
  readonly tags: Iterable<string>
  readonly price: Price | undefined
  /** Whether it was answered completely. */
  readonly isSuccess: boolean
  /** Until the call is over, its cost may still become known: an unknown cost is left out of the sum. */
  readonly isOver: boolean
}

/** Sums over calls. */
export class UsageTotals {
  usage: Usage | undefined
  reported: Usage | undefined
  readonly byModel: Map<string, Usage>
  readonly byTag: Map<string, Usage>
  successes: number
  cost: Cost
  /** Figures that at least one call lacks. Their sums are those of the other calls. */
  readonly incompleteFigures: Set<keyof Usage>

  constructor(from?: UsageTotals) {
    this.usage = from?.usage
    this.reported = from?.reported
    this.byModel = new Map(from?.byModel)
    this.byTag = new Map(from?.byTag)
    this.successes = from?.successes ?? 0
    this.cost = from?.cost ?? noCost
    this.incompleteFigures = new Set(from?.incompleteFigures)
  }

  add({ usage, reported, model = 'unknown', tags, price, isSuccess, isOver }: CallTotals): void {
    this.usage = addUsage(this.usage, usage)
    this.reported = addUsage(this.reported, reported)
    addUsageTo(this.byModel, model, usage)
    for (const tag of tags) addUsageTo(this.byTag, tag, usage)
    if (price || isOver) this.cost = addCost(this.cost, price)
    if (isSuccess) this.successes++
    for (const figure of ['inputTokens', 'outputTokens', 'totalTokens'] as const) {
      if (usage[figure] === undefined) this.incompleteFigures.add(figure)
    }
  }

  /** Returns a sum over all calls: undefined if one of them lacks the figure, 0 if there was no call. */
  sum(figure: 'inputTokens' | 'outputTokens' | 'totalTokens'): number | undefined {
    return this.incompleteFigures.has(figure) ? undefined : (this.usage?.[figure] ?? 0)
  }
}

function addUsageTo(sums: Map<string, Usage>, key: string, usage: Usage): void {
  sums.set(key, addUsage(sums.get(key), usage) ?? usage)
}
