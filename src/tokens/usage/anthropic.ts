import { isCount, type Usage } from '../../core/usage.ts'
import { sumFigures, toUsage, type WireFigure } from './to-usage.ts'

/**
 * Anthropic's usage, in `message_start.message.usage`, `message_delta.usage` and `usage` of a message. A `message_delta` may omit or
 * correct
 * figures of `message_start`: with server tools the input grows. Merge them before reading.
 */
export interface AnthropicUsage extends AnthropicTokens {
  readonly output_tokens_details?: { readonly thinking_tokens?: number | null } | null
  /** The model calls of the answer. The figures above do not include all of them. */
  readonly iterations?: readonly (AnthropicTokens & { readonly type?: string })[] | null
}

interface AnthropicTokens {
  /** Without tokens read from or written to the cache. */
  readonly input_tokens?: number | null
  /** Including thinking. */
  readonly output_tokens?: number | null
  readonly cache_creation_input_tokens?: number | null
  readonly cache_read_input_tokens?: number | null
  /** Tokens written to the cache, by time to live. */
  readonly cache_creation?: { readonly ephemeral_1h_input_tokens?: number | null } | null
}

/**
 * Converts Anthropic's usage. `inputTokens` includes cached tokens, which Anthropic reports separately. Figures that were not reported are
 * absent, never 0.
 *
 * The calls of context compaction and of an advisor model are added: Anthropic bills them, but omits them from its totals.
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
      sumFigures(fresh, read, written),
    ),
    outputTokens: sumWithIterations(wire, (call) => call.output_tokens),
    cacheReadTokens: sumWithIterations(wire, (call) => call.cache_read_input_tokens),
    cacheWriteTokens: sumWithIterations(wire, (call) => call.cache_creation_input_tokens),
    reasoningTokens: wire.output_tokens_details?.thinking_tokens,
  })
}

/** Returns the part of `cacheWriteTokens` that is cached for one hour. It costs more than tokens cached for five minutes. */
export function anthropicCacheWrite1hTokens(wire: AnthropicUsage): number | undefined {
  const tokens = sumWithIterations(wire, (call) => call.cache_creation?.ephemeral_1h_input_tokens)
  return isCount(tokens) ? tokens : undefined
}

/** Sums a figure over Anthropic's totals and the calls that they omit; undefined if it is unknown. */
function sumWithIterations(wire: AnthropicUsage, figure: (call: AnthropicTokens) => WireFigure): number | undefined {
  const extra = (wire.iterations ?? []).filter(({ type }) => /^(compaction|advisor)/.test(type ?? '')).map(figure)
  const [first, ...others] = [figure(wire), ...extra].filter((known) => known !== null && known !== undefined)
  return sumFigures(first, ...others)
}
