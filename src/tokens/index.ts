// Counts the tokens and the cost of model calls: of runs, and of other clients that use `fetch`.
export { type Budget, type BudgetOptions, budget } from './counter/budget.ts'
export { type Counted, countTokens } from './counter/count-tokens.ts'
export { TokenCounter, type TokenCounterOptions } from './counter/counter.ts'
export type { Tokenizer } from './counter/estimate.ts'
export type { TokenSnapshot } from './counter/snapshot.ts'
// `meter` has its own entry: exported here, it would be loaded with every counter. A counter loads it when its `fetch` is first used.
export type { MeteredFetch } from './meter/request.ts'
export {
  type Cost,
  costOf,
  type ModelPrice,
  type Price,
  type PriceBook,
  type Priced,
  priceTable,
  type TableOptions,
} from './prices/prices.ts'
export type { UsageListener, UsageRecord } from './usage-record.ts'
export { tagged, usageTag } from './usage-tag.ts'
