import type { Usage } from '../../core/usage.ts'
import { toUsage } from './to-usage.ts'

/** Figures as OpenAI and its compatible servers write them. */
export interface OpenAIUsage extends OpenRouterCost {
  /** With what was read from and written to the cache. */
  readonly prompt_tokens?: number | null
  /** With reasoning. */
  readonly completion_tokens?: number | null
  readonly total_tokens?: number | null
  readonly prompt_tokens_details?: { readonly cached_tokens?: number | null; readonly cache_write_tokens?: number | null } | null
  readonly completion_tokens_details?: { readonly reasoning_tokens?: number | null } | null
  /** DeepSeek's word for what was read from the cache. */
  readonly prompt_cache_hit_tokens?: number | null
}

/** What OpenRouter charges, in US dollars. */
export interface OpenRouterCost {
  readonly cost?: unknown
  /** With a key of one's own for the provider, `cost` is OpenRouter's fee, and the provider charges the key beside it. */
  readonly is_byok?: unknown
  readonly cost_details?: { readonly upstream_inference_cost?: unknown } | null
}

/** What an answer cost, all together; undefined where a part of it is not said. */
export function openRouterCost({ cost, is_byok, cost_details }: OpenRouterCost): number | undefined {
  const beside = is_byok === true ? cost_details?.upstream_inference_cost : 0
  return typeof cost === 'number' && typeof beside === 'number' ? cost + beside : undefined
}

/** Where they stand: in a chunk of a stream, mostly one without a choice, or in a whole answer. Groq has a place of its own. */
export interface OpenAIReport {
  readonly usage?: OpenAIUsage | null
  readonly x_groq?: { readonly usage?: OpenAIUsage | null } | null
}

/**
 * What a chunk or an answer reports; undefined where it reports nothing. Of several reports in one answer the last counts, for they are
 * the same figures, or running totals: they are never added.
 *
 * @example
 * openaiUsage({ usage: { prompt_tokens: 100, completion_tokens: 20, prompt_tokens_details: { cached_tokens: 64 } } })
 * // { inputTokens: 100, outputTokens: 20, totalTokens: 120, cacheReadTokens: 64 }
 */
export function openaiUsage({ usage, x_groq }: OpenAIReport): Usage | undefined {
  const wire = usage ?? x_groq?.usage
  if (!wire) return
  return toUsage({
    inputTokens: wire.prompt_tokens,
    outputTokens: wire.completion_tokens,
    totalTokens: wire.total_tokens,
    cacheReadTokens: wire.prompt_tokens_details?.cached_tokens ?? wire.prompt_cache_hit_tokens,
    cacheWriteTokens: wire.prompt_tokens_details?.cache_write_tokens,
    reasoningTokens: wire.completion_tokens_details?.reasoning_tokens,
    cost: openRouterCost(wire),
  })
}
