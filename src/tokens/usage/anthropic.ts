import type { Usage } from '../../core/usage.ts'
import { toUsage } from './to-usage.ts'

/**
 * Anthropic's figures, as `message_start.message.usage`, `message_delta.usage` and a whole message's `usage` have them. A `message_delta`
 * may leave out what `message_start` said, and may correct it: with server tools the input grows. So they are merged before they are read.
 */
export interface AnthropicUsage extends AnthropicTokens {
  readonly output_tokens_details?: { readonly thinking_tokens?: number | null } | null
  /** The model calls that made the answer. Not all of them are in the figures above. */
  readonly iterations?: readonly (AnthropicTokens & { readonly type?: string })[] | null
}

interface AnthropicTokens {
  /** Without what was read from or written to the cache. */
  readonly input_tokens?: number | null
  /** With thinking. */
  readonly output_tokens?: number | null
  readonly cache_creation_input_tokens?: number | null
  readonly cache_read_input_tokens?: number | null
  /** Of what was written to the cache, by how long it stays. */
  readonly cache_creation?: { readonly ephemeral_1h_input_tokens?: number | null } | null
}

/**
 * Anthropic's figures as ours: `inputTokens` with the cache's tokens, which Anthropic counts beside its input. What was not reported is
 * absent, never 0.
 *
 * What was spent to compact the context, or by an advisor model, is added: Anthropic bills it, and leaves it out of its totals.
 *
 * @see https://platform.claude.com/docs/en/build-with-claude/compaction
 * @see https://platform.claude.com/docs/en/agents-and-tools/tool-use/advisor-tool
 *
 * @example
 * anthropicUsage({ input_tokens: 100, cache_read_input_tokens: 1_000, output_tokens: 20 })
 * // { inputTokens: 1_100, outputTokens: 20, totalTokens: 1_120, cacheReadTokens: 1_000 }
 */
export function anthropicUsage(wire: AnthropicUsage): Usage {
  return toUsage({
    inputTokens: sumWithIterations(wire, ({ input_tokens: fresh, cache_read_input_tokens: read, cache_creation_input_tokens: written }) =>
      isKnown(fresh) ? fresh + (read ?? 0) + (written ?? 0) : undefined,
    ),
    outputTokens: sumWithIterations(wire, (call) => call.output_tokens),
    cacheReadTokens: sumWithIterations(wire, (call) => call.cache_read_input_tokens),
    cacheWriteTokens: sumWithIterations(wire, (call) => call.cache_creation_input_tokens),
    reasoningTokens: wire.output_tokens_details?.thinking_tokens,
  })
}

/** Of `cacheWriteTokens`, those that the cache keeps for an hour, which cost more than those that it keeps for five minutes. */
export const anthropicCacheWrite1hTokens = (wire: AnthropicUsage): number | undefined =>
  sumWithIterations(wire, (call) => call.cache_creation?.ephemeral_1h_input_tokens)

/** A figure of Anthropic's totals and of the calls that they leave out, as far as it is known. */
function sumWithIterations(wire: AnthropicUsage, figure: (call: AnthropicTokens) => number | null | undefined): number | undefined {
  let total = figure(wire) ?? undefined
  for (const call of wire.iterations ?? []) {
    const more = /^(compaction|advisor)/.test(call.type ?? '') ? figure(call) : undefined
    if (isKnown(more)) total = (total ?? 0) + more
  }
  return total
}

const isKnown = <T>(figure: T): figure is NonNullable<T> => figure !== null && figure !== undefined
