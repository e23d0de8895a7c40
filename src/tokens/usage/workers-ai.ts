import type { Usage } from '../../core/usage.ts'
import { type OpenAIUsage, openaiUsage } from './openai.ts'

/** An event or an answer in Workers AI's own format; over REST it is in `result`. The usage has OpenAI's format. */
export interface WorkersAIReport {
  readonly usage?: OpenAIUsage | null
  readonly result?: { readonly usage?: OpenAIUsage | null } | null
}

/**
 * Converts Workers AI's usage; undefined if there is none. Figures that were not reported are absent, never 0.
 *
 * @see https://developers.cloudflare.com/workers-ai/
 *
 * @example
 * workersAIUsage({ usage: { prompt_tokens: 21, completion_tokens: 9, prompt_tokens_details: { cached_tokens: 0 } } })
 * // { inputTokens: 21, outputTokens: 9, totalTokens: 30, cacheReadTokens: 0 }
 */
export function workersAIUsage({ usage, result }: WorkersAIReport): Usage | undefined {
  return openaiUsage({ usage: usage ?? result?.usage ?? null })
}
