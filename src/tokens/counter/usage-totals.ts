import { addUsage, type Usage } from '../../core/usage.ts'
import { addCost, type Cost, noCost, type Price } from '../prices/prices.ts'

/** What one call adds. */
export interface CallTotals {
  readonly usage: Usage
  readonly reported: Usage | undefined
  readonly model: string | undefined
  readonly tags: Iterable<string>
  readonly price: Price | undefined
  /** It was answered to the end. */
  readonly isSuccess: boolean
  /** While it is going on its cost may still become known. */
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
  /** Figures that some call lacks: their sums are of the others only. */
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

  /** A sum over all calls; undefined where one of them lacks the figure, 0 where there was none. */
  sum(figure: 'inputTokens' | 'outputTokens' | 'totalTokens'): number | undefined {
    return this.incompleteFigures.has(figure) ? undefined : (this.usage?.[figure] ?? 0)
  }
}

function addUsageTo(sums: Map<string, Usage>, key: string, usage: Usage): void {
  sums.set(key, addUsage(sums.get(key), usage) ?? usage)
}
