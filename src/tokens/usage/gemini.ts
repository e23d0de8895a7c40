import { isCount, type Usage } from '../../core/usage.ts'
import { sumFigures, toUsage } from './to-usage.ts'

/** Gemini's `usageMetadata`: running totals, in nearly every chunk. For fields that a chunk omits, the last known value applies. */
export interface GeminiUsage {
  /** Including tokens read from the cache. */
  readonly promptTokenCount?: number | null | undefined
  readonly cachedContentTokenCount?: number | null | undefined
  /** The results of the provider's own tools. */
  readonly toolUsePromptTokenCount?: number | null | undefined
  /** Without thoughts. */
  readonly candidatesTokenCount?: number | null | undefined
  readonly thoughtsTokenCount?: number | null | undefined
  readonly totalTokenCount?: number | null | undefined
}

/**
 * Converts Gemini's usage. `outputTokens` includes thoughts, which Gemini reports separately, and `inputTokens` the results of its tools.
 * Figures that were not reported are absent, never 0.
 *
 * @see https://ai.google.dev/api/generate-content#UsageMetadata
 *
 * @example
 * geminiUsage({ promptTokenCount: 40, candidatesTokenCount: 18, thoughtsTokenCount: 46, totalTokenCount: 104 })
 * // { inputTokens: 40, outputTokens: 64, totalTokens: 104, reasoningTokens: 46 }
 */
export function geminiUsage(wire: GeminiUsage): Usage {
  const { promptTokenCount: prompt, candidatesTokenCount: candidates, thoughtsTokenCount: thoughts } = wire
  return toUsage({
    inputTokens: sumFigures(prompt, wire.toolUsePromptTokenCount),
    outputTokens: sumFigures(candidates ?? thoughts, candidates === undefined || candidates === null ? 0 : thoughts),
    totalTokens: wire.totalTokenCount,
    cacheReadTokens: wire.cachedContentTokenCount,
    reasoningTokens: thoughts,
  })
}

/** Usage of Gemini's Interactions API. A call may take several requests; each reports its own usage. */
export interface GeminiInteractionUsage {
  readonly total_input_tokens?: number | null
  readonly total_cached_tokens?: number | null
  readonly total_tool_use_tokens?: number | null
  readonly total_output_tokens?: number | null
  readonly total_thought_tokens?: number | null
  readonly total_tokens?: number | null
}

/**
 * Converts usage of the Interactions API. It is not documented whether its output includes thoughts: this is derived from the total.
 * Without a
 * total, the output is read as in Gemini's other API, without thoughts.
 *
 * @see https://ai.google.dev/api/interactions-api
 *
 * @example
 * geminiInteractionUsage({ total_input_tokens: 40, total_output_tokens: 18, total_thought_tokens: 46, total_tokens: 104 })
 * // { inputTokens: 40, outputTokens: 64, totalTokens: 104, reasoningTokens: 46 }
 */
export function geminiInteractionUsage(wire: GeminiInteractionUsage): Usage {
  const { total_input_tokens: input, total_tool_use_tokens: tools, total_output_tokens: output, total_thought_tokens: thoughts } = wire
  const includesThoughts = sumFigures(input ?? 0, tools, output) === wire.total_tokens
  return geminiUsage({
    promptTokenCount: input,
    toolUsePromptTokenCount: tools,
    cachedContentTokenCount: wire.total_cached_tokens,
    candidatesTokenCount: includesThoughts && output && isCount(thoughts) ? output - thoughts : output,
    thoughtsTokenCount: thoughts,
    totalTokenCount: wire.total_tokens,
  })
}
