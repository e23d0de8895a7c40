// What was used and what it cost, counted from runs and under anybody's client.
export { type Budget, type BudgetOptions, budget } from './counter/budget.ts'
export { type Counted, countTokens } from './counter/count-tokens.ts'
export { TokenCounter, type TokenCounterOptions } from './counter/counter.ts'
export type { Tokenizer } from './counter/estimate.ts'
export type { TokenSnapshot } from './counter/snapshot.ts'
// `meter` has an entry of its own: from here it would be loaded with every counter, which loads it when its `fetch` is first used.
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
