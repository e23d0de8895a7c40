import type { Usage } from '../../core/usage.ts'

/** Anthropic's figures, as `message_start.message.usage`, `message_delta.usage` and a whole message's `usage` have them. */
export interface AnthropicUsage {
  /** Without what was read from or written to the cache. */
  readonly input_tokens?: number | null
  /** With thinking. */
  readonly output_tokens?: number | null
  readonly cache_creation_input_tokens?: number | null
  readonly cache_read_input_tokens?: number | null
  readonly output_tokens_details?: { readonly thinking_tokens?: number | null } | null
}

/**
 * Two reports of one response: the later known value of each field wins, nothing is added (P8). A `message_delta` may leave out what
 * `message_start` said, and may correct it: with server tools the input grows.
 */
export function laterAnthropicUsage(earlier: AnthropicUsage, later: AnthropicUsage): AnthropicUsage {
  return { ...earlier, ...Object.fromEntries(Object.entries(later).filter(([, value]) => value !== null && value !== undefined)) }
}

/**
 * Anthropic's figures as ours: `inputTokens` with the cache's tokens, which Anthropic counts beside its input. What was not reported is
 * absent, never 0.
 *
 * @example
 * anthropicUsage({ input_tokens: 100, cache_read_input_tokens: 1_000, output_tokens: 20 })
 * // { inputTokens: 1_100, outputTokens: 20, totalTokens: 1_120, cacheReadTokens: 1_000 }
 */
export function anthropicUsage(wire: AnthropicUsage): Usage {
  const read = wire.cache_read_input_tokens ?? undefined
  const written = wire.cache_creation_input_tokens ?? undefined
  const thinking = wire.output_tokens_details?.thinking_tokens ?? undefined
  const output = wire.output_tokens ?? undefined
  const input = typeof wire.input_tokens === 'number' ? wire.input_tokens + (read ?? 0) + (written ?? 0) : undefined
  return {
    ...(input !== undefined && { inputTokens: input }),
    ...(output !== undefined && { outputTokens: output }),
    ...(input !== undefined && output !== undefined && { totalTokens: input + output }),
    ...(read !== undefined && { cacheReadTokens: read }),
    ...(written !== undefined && { cacheWriteTokens: written }),
    ...(thinking !== undefined && { reasoningTokens: thinking }),
  }
}
