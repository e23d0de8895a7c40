import type { Usage } from '../../core/usage.ts'
import type { Cost } from '../prices/prices.ts'
import type { CallLedger } from './ledger.ts'

/** The figures of a counter at one moment. */
export interface TokenSnapshot {
  /**
   * The usage of all calls, including estimates; undefined before the first call. Its `source` is the weakest of the calls. If a call lacks
   * a figure, because it was neither reported nor could be estimated, the sum is that of the other calls.
   */
  readonly usage: Usage | undefined
  /** The usage that providers reported, without estimates. */
  readonly reported: Usage | undefined
  /** The same as `usage`, by the model's name in the answer; `unknown` if the answer has none. */
  readonly byModel: ReadonlyMap<string, Usage>
  /** The same as `usage`, by tag: the tags of runs, and the string tags of other clients' calls. */
  readonly byTag: ReadonlyMap<string, Usage>
  /** The usage of calls that ended after the counter was closed. No other figure includes it. */
  readonly late: Usage | undefined
  /** The cost of all calls, by source. */
  readonly cost: Cost
  /** All tokens; undefined if a call lacks the figure. LangChain's `total_tokens`. */
  readonly totalTokens: number | undefined
  /** Input tokens; undefined if a call lacks the figure. LangChain's `prompt_tokens`. */
  readonly promptTokens: number | undefined
  /** Output tokens; undefined if a call lacks the figure. LangChain's `completion_tokens`. */
  readonly completionTokens: number | undefined
  /** The number of calls that were answered completely. LangChain's `successful_requests`. */
  readonly successfulRequests: number
  /** The cost of all calls; undefined if the cost of a call is unknown, or if there are several currencies. LangChain's `total_cost`. */
  readonly totalCost: number | undefined
}

export function createTokenSnapshot(ledger: CallLedger): TokenSnapshot {
  const totals = ledger.totals()
  const { usage, reported, byModel, byTag, cost, successes } = totals
  return {
    usage,
    reported,
    byModel,
    byTag,
    late: ledger.late,
    cost,
    totalTokens: totals.sum('totalTokens'),
    promptTokens: totals.sum('inputTokens'),
    completionTokens: totals.sum('outputTokens'),
    successfulRequests: successes,
    totalCost: cost.total,
  }
}
