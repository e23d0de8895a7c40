import { mergeUsage, type Usage } from '../../core/usage.ts'
import { harmless } from '../report-error.ts'
import type { Call, Estimate } from './call.ts'

/** Tokens per character, before anything is known of a model's tokenizer: measured in docs/tokens.md. Other blanks belong to words. */
const ascii: readonly number[] = Array.from({ length: 128 }, (_, code) => {
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
    tokens += code < 128 ? (ascii[code] ?? 0) : code < 0x2e80 ? 0.42 : 0.8
  }
  return tokens
}

/** Counts the tokens of a text as the model does. */
export type Tokenizer = (text: string, model: string | undefined) => number

/** What a model's first answers weigh against: short ones say little of its tokenizer. */
const DOUBT = 100

/** What is learnt stays fresh: a conversation may change its language. In tokens. */
const MEMORY = 10_000

/** Counts what a provider leaves out, and learns from what it reports. */
export class Estimator {
  readonly #tokenizer: ((...given: Parameters<Tokenizer>) => number | undefined) | undefined
  readonly #learnt = new Map<string | undefined, { readonly reported: number; readonly weight: number }>()

  constructor(tokenizer: Tokenizer | undefined) {
    this.#tokenizer = tokenizer && harmless(tokenizer, 'The tokenizer of a TokenCounter failed: the estimate counts. This is told once.')
  }

  /** Compares what a complete answer was reported to have with what it weighs. */
  learn({ model, said, usage, isComplete }: Call): void {
    // What a model thought may have been told in part, or not at all.
    if (!isComplete || said === 0 || !usage?.outputTokens || usage.reasoningTokens) return
    const { reported, weight } = this.#learntOf(model)
    const kept = weight > MEMORY ? 0.5 : 1
    this.#learnt.set(model, { reported: reported * kept + usage.outputTokens, weight: weight * kept + said })
  }

  /** Our own count of a call. `answer`: all that it said, when it is over; then a tokenizer is asked, where there is one. */
  estimate({ model, prompt, asked, said }: Call, answer?: string): Estimate {
    const count = (weight: number, text: string | undefined): number => {
      const exact = text === undefined ? undefined : this.#tokenizer?.(text, model)
      // Not so of NaN, nor of a promise.
      return exact !== undefined && exact >= 0 ? exact : this.#tokens(weight, model)
    }
    const isOver = answer !== undefined
    return { inputTokens: asked === 0 ? undefined : count(asked, isOver ? prompt : undefined), outputTokens: count(said, answer) }
  }

  #tokens(weight: number, model: string | undefined): number {
    const learnt = this.#learntOf(model)
    return Math.ceil((weight * (DOUBT + learnt.reported)) / (DOUBT + learnt.weight))
  }

  #learntOf(model: string | undefined): { readonly reported: number; readonly weight: number } {
    return this.#learnt.get(model) ?? { reported: 0, weight: 0 }
  }
}

/** What the provider has said of a call. Of embeddings it says no output: the total is all input. */
export function reportedOf({ usage, isComplete }: Call): Usage | undefined {
  if (!usage) return
  const { inputTokens, totalTokens } = usage
  const rest = isComplete && inputTokens !== undefined && totalTokens !== undefined ? { outputTokens: totalTokens - inputTokens } : {}
  return { ...rest, ...usage, requests: 1, source: isComplete ? 'provider' : 'partial' }
}

/** Whether the provider has said all there is to say. */
export const isReported = (call: Call): boolean => call.isComplete && reportedOf(call)?.outputTokens !== undefined

/** What a call has used: as reported, and where that is not all, as estimated. What the provider saw is never made less. */
export function usageOf(call: Call, estimate: Estimate | undefined): Usage {
  const reported = reportedOf(call)
  const said = reported?.outputTokens ?? 0
  const inputTokens = reported?.inputTokens ?? estimate?.inputTokens
  const outputTokens = Math.max(said, estimate?.outputTokens ?? 0)
  if (inputTokens === reported?.inputTokens && outputTokens === said) return reported ?? { requests: 1 }
  const totalTokens = inputTokens === undefined ? undefined : inputTokens + outputTokens
  return { ...mergeUsage(reported, { inputTokens, outputTokens, totalTokens }), requests: 1, source: 'estimated' }
}
