import type { Usage } from '../../core/usage.ts'
import { type OpenRouterCost, openRouterCost } from './openai.ts'
import { toUsage } from './to-usage.ts'

/** Usage of OpenAI's Responses API, and of its image and audio APIs. */
export interface OpenAIResponsesUsage extends OpenRouterCost {
  /** Including tokens read from and written to the cache. */
  readonly input_tokens?: number | null
  readonly input_tokens_details?: { readonly cached_tokens?: number | null; readonly cache_write_tokens?: number | null } | null
  /** Including reasoning. */
  readonly output_tokens?: number | null
  readonly output_tokens_details?: { readonly reasoning_tokens?: number | null } | null
  readonly total_tokens?: number | null
}

/**
 * Converts usage of OpenAI's Responses API. Figures that were not reported are absent, never 0.
 *
 * @see https://platform.openai.com/docs/api-reference/responses/object
 *
 * @example
 * openaiResponsesUsage({ input_tokens: 328, output_tokens: 152, output_tokens_details: { reasoning_tokens: 128 } })
 * // { inputTokens: 328, outputTokens: 152, totalTokens: 480, reasoningTokens: 128 }
 */
export function openaiResponsesUsage(wire: OpenAIResponsesUsage): Usage {
  return toUsage({
    inputTokens: wire.input_tokens,
    outputTokens: wire.output_tokens,
    totalTokens: wire.total_tokens,
    cacheReadTokens: wire.input_tokens_details?.cached_tokens,
    cacheWriteTokens: wire.input_tokens_details?.cache_write_tokens,
    reasoningTokens: wire.output_tokens_details?.reasoning_tokens,
    cost: openRouterCost(wire),
  })
}
