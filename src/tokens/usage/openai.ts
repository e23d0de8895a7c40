import type { Usage } from '../../core/usage.ts'
import { toUsage } from './to-usage.ts'

/** Usage in the format of OpenAI and compatible servers. */
export interface OpenAIUsage extends OpenRouterCost {
  /** Including tokens read from and written to the cache. */
  readonly prompt_tokens?: number | null
  /** Including reasoning. */
  readonly completion_tokens?: number | null
  readonly total_tokens?: number | null
  readonly prompt_tokens_details?: { readonly cached_tokens?: number | null; readonly cache_write_tokens?: number | null } | null
  readonly completion_tokens_details?: { readonly reasoning_tokens?: number | null } | null
  /** DeepSeek's field for tokens read from the cache. */
  readonly prompt_cache_hit_tokens?: number | null
}

/** The cost that OpenRouter reports, in US dollars. */
export interface OpenRouterCost {
  readonly cost?: unknown
  /**
   * Whether the caller's own key of the provider was used. Then `cost` is OpenRouter's fee, and the provider charges that key in addition.
   */
  readonly is_byok?: unknown
  readonly cost_details?: { readonly upstream_inference_cost?: unknown } | null
}

/** Returns the total cost of an answer; undefined if a part of it was not reported. */
export function openRouterCost({ cost, is_byok, cost_details }: OpenRouterCost): number | undefined {
  const upstreamCost = is_byok === true ? cost_details?.upstream_inference_cost : 0
  return typeof cost === 'number' && typeof upstreamCost === 'number' ? cost + upstreamCost : undefined
}

/** The fields of a chunk (usually one without choices) or of a whole answer that contain usage. Groq uses `x_groq`. */
export interface OpenAIReport {
  readonly usage?: OpenAIUsage | null
  readonly x_groq?: { readonly usage?: OpenAIUsage | null } | null
}

/**
 * Converts the usage of a chunk or an answer; undefined if there is none. If an answer contains several reports, use the last one: they
 * repeat
 * the same figures, or are running totals, and must not be added.
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
