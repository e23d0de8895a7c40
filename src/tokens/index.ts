// What was used and what it cost, counted from runs and under anybody's client.
export { type Budget, type BudgetOptions, budget } from './budget.ts'
export { type Counted, countTokens } from './count-tokens.ts'
export { TokenCounter, type TokenCounterOptions } from './counter.ts'
export type { Tokenizer } from './estimate.ts'
// `meter` has an entry of its own: from here it would be loaded with every counter, which loads it when its `fetch` is first used.
export type { MeteredFetch } from './meter-request.ts'
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
export { tagged, usageTag } from './tag.ts'
