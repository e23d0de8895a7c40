import { addUsage, mergeUsage, type Usage } from '../../core/usage.ts'

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
  const { input_tokens, output_tokens: output, cache_read_input_tokens: read, cache_creation_input_tokens: written } = wire
  const input = isKnown(input_tokens) ? input_tokens + (read ?? 0) + (written ?? 0) : undefined
  let usage = mergeUsage<Usage>(undefined, {
    inputTokens: input,
    outputTokens: output,
    totalTokens: isKnown(input) && isKnown(output) ? input + output : undefined,
    cacheReadTokens: read,
    cacheWriteTokens: written,
    reasoningTokens: wire.output_tokens_details?.thinking_tokens,
  })
  for (const each of wire.iterations ?? []) {
    if (/^(compaction|advisor)/.test(each.type ?? '')) usage = addUsage(usage, anthropicUsage(each)) ?? usage
  }
  return usage
}

const isKnown = <T>(figure: T): figure is NonNullable<T> => figure !== null && figure !== undefined
