import { mergeUsage, type Usage } from '../../core/usage.ts'
import { guardCallback } from '../guard-callback.ts'
import type { TokenEstimate, TrackedCall } from './tracked-call.ts'

/** Tokens per character, before anything is known of a model's tokenizer: measured in docs/tokens.md. Other blanks belong to words. */
const asciiWeights: readonly number[] = Array.from({ length: 128 }, (_, code) => {
  if (code <= 32) return code === 10 ? 0.5 : 0
  const character = String.fromCharCode(code)
  return /[a-z]/i.test(character) ? 0.26 : /\d/.test(character) ? 0.75 : 0.5
})

/** How many tokens a text is about, whoever's they are. Cut anywhere, its pieces give the same sum. */
export function weigh(text: string): number {
  let tokens = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    // From U+2E80 on: Chinese, Japanese, Korean, and both halves of an emoji. Below: Latin with accents, Greek, Cyrillic, Arabic …
    tokens += code < 128 ? (asciiWeights[code] ?? 0) : code < 0x2e80 ? 0.42 : 0.8
  }
  return tokens
}

/** Counts the tokens of a text as the model does. */
export type Tokenizer = (text: string, model: string | undefined) => number

/** What a model's first answers weigh against: short ones say little of its tokenizer. */
const PRIOR_WEIGHT = 100

/** What is learnt stays fresh: a conversation may change its language. In tokens. */
const MAX_LEARNED_WEIGHT = 10_000

/** Counts what a provider leaves out, and learns from what it reports. */
export class TokenEstimator {
  readonly #tokenizer: ((...given: Parameters<Tokenizer>) => number | undefined) | undefined
  readonly #calibrations = new Map<string | undefined, { readonly reported: number; readonly weight: number }>()

  constructor(tokenizer: Tokenizer | undefined) {
    this.#tokenizer =
      tokenizer && guardCallback(tokenizer, 'The tokenizer of a TokenCounter failed: the estimate counts. This is told once.')
  }

  /** Compares what a complete answer was reported to have with what it weighs. */
  calibrate({ model, outputWeight, usage, isComplete }: TrackedCall): void {
    // What a model thought may have been told in part, or not at all.
    if (!isComplete || outputWeight === 0 || !usage?.outputTokens || usage.reasoningTokens) return
    const { reported, weight } = this.#calibrationFor(model)
    const kept = weight > MAX_LEARNED_WEIGHT ? 0.5 : 1
    this.#calibrations.set(model, { reported: reported * kept + usage.outputTokens, weight: weight * kept + outputWeight })
  }

  /** Our own count of a call. `answer`: all that it said, when it is over; then a tokenizer is asked, where there is one. */
  estimate({ model, prompt, inputWeight, outputWeight }: TrackedCall, answer?: string): TokenEstimate {
    const count = (weight: number, text: string | undefined): number => {
      const exact = text === undefined ? undefined : this.#tokenizer?.(text, model)
      // Not so of NaN, nor of a promise.
      return exact !== undefined && exact >= 0 ? exact : this.#tokensForWeight(weight, model)
    }
    const isOver = answer !== undefined
    return {
      inputTokens: inputWeight === 0 ? undefined : count(inputWeight, isOver ? prompt : undefined),
      outputTokens: count(outputWeight, answer),
    }
  }

  #tokensForWeight(weight: number, model: string | undefined): number {
    const learnt = this.#calibrationFor(model)
    return Math.ceil((weight * (PRIOR_WEIGHT + learnt.reported)) / (PRIOR_WEIGHT + learnt.weight))
  }

  #calibrationFor(model: string | undefined): { readonly reported: number; readonly weight: number } {
    return this.#calibrations.get(model) ?? { reported: 0, weight: 0 }
  }
}

/** What the provider has said of a call. Of embeddings it says no output: the total is all input. */
export function reportedUsage({ usage, isComplete }: TrackedCall): Usage | undefined {
  if (!usage) return
  const { inputTokens, totalTokens } = usage
  const rest = isComplete && inputTokens !== undefined && totalTokens !== undefined ? { outputTokens: totalTokens - inputTokens } : {}
  return { ...rest, ...usage, requests: 1, source: isComplete ? 'provider' : 'partial' }
}

/** Whether the provider has said all there is to say. */
export const isFullyReported = (call: TrackedCall): boolean => call.isComplete && reportedUsage(call)?.outputTokens !== undefined

/** What a call has used: as reported, and where that is not all, as estimated. What the provider saw is never made less. */
export function effectiveUsage(call: TrackedCall, estimate: TokenEstimate | undefined): Usage {
  const reported = reportedUsage(call)
  const said = reported?.outputTokens ?? 0
  const inputTokens = reported?.inputTokens ?? estimate?.inputTokens
  const outputTokens = Math.max(said, estimate?.outputTokens ?? 0)
  if (inputTokens === reported?.inputTokens && outputTokens === said) return reported ?? { requests: 1 }
  const totalTokens = inputTokens === undefined ? undefined : inputTokens + outputTokens
  return { ...mergeUsage(reported, { inputTokens, outputTokens, totalTokens }), requests: 1, source: 'estimated' }
}
