import { mergeUsage, type Usage } from '../../core/usage.ts'
import { guardCallback } from '../guard-callback.ts'
import type { TokenEstimate, TrackedCall } from './tracked-call.ts'

/** Tokens per ASCII character, before a model's tokenizer is known; measured in docs/tokens.md. Other white space is part of words. */
const asciiWeights: readonly number[] = Array.from({ length: 128 }, (_, code) => {
  if (code <= 32) return code === 10 ? 0.5 : 0
  const character = String.fromCharCode(code)
  return /[a-z]/i.test(character) ? 0.26 : /\d/.test(character) ? 0.75 : 0.5
})

/** Estimates the tokens of a text for any model. The sum is the same wherever the text is cut into pieces. */
export function weigh(text: string): number {
  let tokens = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    // From U+2E80 on: Chinese, Japanese, Korean, and both halves of an emoji. Below: Latin with accents, Greek, Cyrillic, Arabic …
    tokens += code < 128 ? (asciiWeights[code] ?? 0) : code < 0x2e80 ? 0.42 : 0.8
  }
  return tokens
}

/**
 * Counts the tokens of a text as the model does. `model` is the name in the answer.
 *
 * @example
 * const tokenizer: Tokenizer = (text) => text.split(' ').length
 */
export type Tokenizer = (text: string, model: string | undefined) => number

/** Tokens of prior weight: the first answers of a model are averaged against it, because short ones reveal little about its tokenizer. */
const PRIOR_WEIGHT = 100

/** From this weight on, in tokens, older samples count half: a conversation may change its language. */
const MAX_LEARNED_WEIGHT = 10_000

/** Estimates figures that a provider did not report, calibrated by those that it reported. */
export class TokenEstimator {
  readonly #tokenizer: ((...given: Parameters<Tokenizer>) => number | undefined) | undefined
  readonly #calibrations = new Map<string | undefined, { readonly reported: number; readonly weight: number }>()

  constructor(tokenizer: Tokenizer | undefined) {
    this.#tokenizer =
      tokenizer &&
      guardCallback(tokenizer, 'The tokenizer of a TokenCounter failed. The estimate is used instead. Further errors are not reported.')
  }

  /** Learns the ratio of reported tokens to weight from a complete answer. */
  calibrate(call: TrackedCall): void {
    const { model, outputWeight, usage, isComplete } = call
    // Reasoning may have been sent in part, or not at all.
    if (!isComplete || outputWeight === 0 || !usage?.outputTokens || usage.reasoningTokens) return
    if (isAbsurd(outputWeight, usage.outputTokens)) return
    const { reported, weight } = this.#calibrationFor(model)
    const decay = weight > MAX_LEARNED_WEIGHT ? 0.5 : 1
    this.#calibrations.set(model, { reported: reported * decay + usage.outputTokens, weight: weight * decay + outputWeight })
  }

  /** Estimates the tokens of a call. With `answer`, the whole output of a call that is over, the tokenizer is used if there is one. */
  estimate({ model, prompt, inputWeight, outputWeight }: TrackedCall, answer?: string): TokenEstimate {
    const count = (weight: number, text: string | undefined): number => {
      const exact = text === undefined ? undefined : this.#tokenizer?.(text, model)
      // False for NaN and for a promise.
      return exact !== undefined && exact >= 0 ? exact : this.#tokensForWeight(weight, model)
    }
    const isOver = answer !== undefined
    return {
      inputTokens: inputWeight === 0 ? undefined : count(inputWeight, isOver ? prompt : undefined),
      outputTokens: count(outputWeight, answer),
    }
  }

  #tokensForWeight(weight: number, model: string | undefined): number {
    const learned = this.#calibrationFor(model)
    return Math.ceil((weight * (PRIOR_WEIGHT + learned.reported)) / (PRIOR_WEIGHT + learned.weight))
  }

  #calibrationFor(model: string | undefined): { readonly reported: number; readonly weight: number } {
    return this.#calibrations.get(model) ?? { reported: 0, weight: 0 }
  }
}

/** Returns the reported usage of a call. For embeddings no output is reported: the total is all input. */
export function reportedUsage({ usage, isComplete }: TrackedCall): Usage | undefined {
  if (!usage) return
  const { inputTokens, totalTokens } = usage
  const rest =
    isComplete && inputTokens !== undefined && totalTokens !== undefined && totalTokens >= inputTokens
      ? { outputTokens: totalTokens - inputTokens }
      : {}
  return { ...rest, ...usage, requests: 1, source: isComplete ? 'provider' : 'partial' }
}

/** Output from this weight on is compared with the reported tokens: a line of dashes or spaces may have few tokens. */
const MIN_COMPARED_WEIGHT = 200

/** No tokenizer needs fewer than a tenth of the weighed tokens for ordinary text. */
const MAX_WEIGHT_PER_TOKEN = 10

/** Whether the reported output tokens are too few for the output received. Budgets would not hold against such a provider. */
const isAbsurd = (outputWeight: number, outputTokens: number): boolean =>
  outputWeight >= MIN_COMPARED_WEIGHT && outputWeight > outputTokens * MAX_WEIGHT_PER_TOKEN

/** Whether the provider has reported final figures that can be true, including the output. */
export function isFullyReported(call: TrackedCall): boolean {
  const outputTokens = call.isComplete ? reportedUsage(call)?.outputTokens : undefined
  return outputTokens !== undefined && !isAbsurd(call.outputWeight, outputTokens)
}

/** Returns the usage of a call: reported figures, completed by the estimate. A reported figure is never lowered. */
export function effectiveUsage(call: TrackedCall, estimate: TokenEstimate | undefined): Usage {
  const reported = reportedUsage(call)
  const reportedOutput = reported?.outputTokens ?? 0
  const inputTokens = reported?.inputTokens ?? estimate?.inputTokens
  const outputTokens = Math.max(reportedOutput, estimate?.outputTokens ?? 0)
  if (inputTokens === reported?.inputTokens && outputTokens === reportedOutput) return reported ?? { requests: 1 }
  const totalTokens = inputTokens === undefined ? undefined : inputTokens + outputTokens
  return { ...mergeUsage(reported, { inputTokens, outputTokens, totalTokens }), requests: 1, source: 'estimated' }
}
