// What was used and what it cost, counted from runs and under anybody's client.
export { type Budget, type BudgetOptions, budget } from './budget.ts'
export { type Counted, countTokens } from './count-tokens.ts'
export { TokenCounter, type TokenCounterOptions } from './counter.ts'
export type { Tokenizer } from './estimate.ts'
export {
  type MeteredFetch,
  type MeterOptions,
  type MeterTarget,
  type MiddlewareRequest,
  meter,
  meterMiddleware,
  tagged,
  usageTag,
} from './meter.ts'
export {
  type Cost,
  costOf,
  type ModelPrice,
  type Price,
  type PriceBook,
  type Priced,
  priceTable,
  type TableOptions,
} from './prices.ts'
export type { UsageListener, UsageRecord } from './record.ts'
export type { TokenSnapshot } from './snapshot.ts'
