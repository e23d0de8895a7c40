import type { Usage } from '../../core/usage.ts'
import type { Price } from '../prices/prices.ts'

/** One call of a model, as known so far: from the events of its run, from a meter's record, or from both. */
export interface TrackedCall {
  readonly tags: Set<string>
  /** Time of the start, in ms since epoch; of the first record, for calls whose start was not received. */
  readonly at: number
  /** `seq` of the last event of its run. */
  seq: number
  isFromRun: boolean
  isFromMeter: boolean
  /** The provider's id of the answer. Not every provider makes it unique. */
  id: string | undefined
  model: string | undefined
  provider: string | undefined
  url: string | undefined
  cacheWrite1hTokens: number | undefined
  /** The usage that the provider has reported so far. */
  usage: Usage | undefined
  /** The input as text; dropped when the call is over. */
  prompt: string | undefined
  /** The weight of the input, by `weigh` of estimate.ts. */
  inputWeight: number
  /** The weight of the output received so far (text, reasoning, tool calls), by `weigh` of estimate.ts. */
  outputWeight: number
  /** Whether the model has begun to answer. Only then the call is counted. */
  hasBegun: boolean
  /** Whether the provider's end marker was received, so that its figures are final. */
  isComplete: boolean
  isOver: boolean
  /** The estimate made when the call was over, if the provider's figures are incomplete. */
  estimate: TokenEstimate | undefined
  /** The last price requested from the price book, and the output tokens at that time. */
  lastPrice: { readonly tokens: number; readonly price: Price | undefined } | undefined
}

/** Estimated tokens of a call. */
export interface TokenEstimate {
  readonly inputTokens: number | undefined
  readonly outputTokens: number
}
