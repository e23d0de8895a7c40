import type { Usage } from '../../core/usage.ts'
import { type OpenRouterCost, openRouterCost } from './openai.ts'
import { toUsage } from './to-usage.ts'

/** Figures of OpenAI's Responses API; its APIs for images and audio write them so too. */
export interface OpenAIResponsesUsage extends OpenRouterCost {
  /** With what was read from and written to the cache. */
  readonly input_tokens?: number | null
  readonly input_tokens_details?: { readonly cached_tokens?: number | null; readonly cache_write_tokens?: number | null } | null
  /** With reasoning. */
  readonly output_tokens?: number | null
  readonly output_tokens_details?: { readonly reasoning_tokens?: number | null } | null
  readonly total_tokens?: number | null
}

/**
 * The figures of OpenAI's Responses API as ours. What was not reported is absent, never 0.
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
