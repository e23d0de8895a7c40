import type { Usage } from '../../core/usage.ts'
import { type OpenAIUsage, openaiUsage } from './openai.ts'

/** Mistral's figures: OpenAI's, and a word of its own for what was read from the cache. They come in the last chunk, unasked. */
export interface MistralUsage extends OpenAIUsage {
  readonly num_cached_tokens?: number | null
}

/**
 * Mistral's figures as ours; undefined where there are none. What was not reported is absent, never 0.
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
