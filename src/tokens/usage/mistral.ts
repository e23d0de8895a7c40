import type { Usage } from '../../core/usage.ts'
import { type OpenAIUsage, openaiUsage } from './openai.ts'

/** Mistral's usage: OpenAI's, with its own field for tokens read from the cache. The last chunk contains it without a request. */
export interface MistralUsage extends OpenAIUsage {
  readonly num_cached_tokens?: number | null
}

/**
 * Converts Mistral's usage; undefined if there is none. Figures that were not reported are absent, never 0.
 *
 * @see https://docs.mistral.ai/api/endpoint/chat
 *
 * @example
 * mistralUsage({ usage: { prompt_tokens: 17, completion_tokens: 8, num_cached_tokens: 16 } })
 * // { inputTokens: 17, outputTokens: 8, totalTokens: 25, cacheReadTokens: 16 }
 */
export function mistralUsage({ usage }: { readonly usage?: MistralUsage | null }): Usage | undefined {
  const cached = usage?.num_cached_tokens
  return openaiUsage({ usage: typeof cached === 'number' ? { prompt_cache_hit_tokens: cached, ...usage } : (usage ?? null) })
}
