import type { Usage } from '../../core/usage.ts'
import type { Cost } from '../prices/prices.ts'
import type { CallLedger } from './ledger.ts'

/** What a counter has counted, at one moment. */
export interface TokenSnapshot {
  /**
   * All of it, estimates too; the weakest `source`. Known figures add up: where a call lacks one (nobody said it, and nobody could
   * estimate it) the sum is of the others.
   */
  readonly usage: Usage | undefined
  /** What providers said, and nothing else. */
  readonly reported: Usage | undefined
  /** As `usage`, by the model's name as the provider answers it; `unknown` where it does not. */
  readonly byModel: ReadonlyMap<string, Usage>
  /** As `usage`, by the tags of the runs, and by what a foreign client's calls were tagged with. */
  readonly byTag: ReadonlyMap<string, Usage>
  /** What ended after the scope was closed; it is in no other figure. */
  readonly late: Usage | undefined
  readonly cost: Cost
  /** Undefined where a call lacks it. LangChain's `total_tokens`. */
  readonly totalTokens: number | undefined
  /** LangChain's `prompt_tokens`. */
  readonly promptTokens: number | undefined
  /** LangChain's `completion_tokens`. */
  readonly completionTokens: number | undefined
  /** Calls that were answered to the end. LangChain's `successful_requests`. */
  readonly successfulRequests: number
  /** Undefined where the cost of a call is unknown. LangChain's `total_cost`. */
  readonly totalCost: number | undefined
}

export function createTokenSnapshot(ledger: CallLedger): TokenSnapshot {
  const tally = ledger.totals()
  const { usage, reported, byModel, byTag, cost, successes } = tally
  return {
    usage,
    reported,
    byModel,
    byTag,
    late: ledger.late,
    cost,
    totalTokens: tally.sum('totalTokens'),
    promptTokens: tally.sum('inputTokens'),
    completionTokens: tally.sum('outputTokens'),
    successfulRequests: successes,
    totalCost: cost.total,
  }
}
