import { mergeUsage, type Usage } from '../../core/usage.ts'

/** Figures as OpenAI and its compatible servers write them. */
export interface OpenAIUsage {
  /** With what was read from and written to the cache. */
  readonly prompt_tokens?: number | null
  /** With reasoning. */
  readonly completion_tokens?: number | null
  readonly total_tokens?: number | null
  readonly prompt_tokens_details?: { readonly cached_tokens?: number | null; readonly cache_write_tokens?: number | null } | null
  readonly completion_tokens_details?: { readonly reasoning_tokens?: number | null } | null
  /** DeepSeek's word for what was read from the cache. */
  readonly prompt_cache_hit_tokens?: number | null
  /** OpenRouter's, in US dollars. */
  readonly cost?: unknown
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
  const { prompt_tokens: input, completion_tokens: output, prompt_tokens_details: details, cost } = wire
  return mergeUsage<Usage>(undefined, {
    inputTokens: input,
    outputTokens: output,
    totalTokens: typeof input === 'number' && typeof output === 'number' ? input + output : wire.total_tokens,
    cacheReadTokens: details?.cached_tokens ?? wire.prompt_cache_hit_tokens,
    cacheWriteTokens: details?.cache_write_tokens,
    reasoningTokens: wire.completion_tokens_details?.reasoning_tokens,
    cost: typeof cost === 'number' ? cost : undefined,
  })
}
