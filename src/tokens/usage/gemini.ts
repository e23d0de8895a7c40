import type { Usage } from '../../core/usage.ts'
import { toUsage } from './to-usage.ts'

/** Gemini's `usageMetadata`: running totals, in nearly every chunk. Of fields that a chunk leaves out the last known value holds. */
export interface GeminiUsage {
  /** With what was read from the cache. */
  readonly promptTokenCount?: number | null | undefined
  readonly cachedContentTokenCount?: number | null | undefined
  /** What the provider's own tools gave back to the model. */
  readonly toolUsePromptTokenCount?: number | null | undefined
  /** Without thoughts. */
  readonly candidatesTokenCount?: number | null | undefined
  readonly thoughtsTokenCount?: number | null | undefined
  readonly totalTokenCount?: number | null | undefined
}

/**
 * Gemini's figures as ours: thoughts, which Gemini counts beside its output, are in `outputTokens`, and what its tools gave back is in
 * `inputTokens`. What was not reported is absent, never 0.
 *
 * @see https://ai.google.dev/api/generate-content#UsageMetadata
 *
 * @example
 * geminiUsage({ promptTokenCount: 40, candidatesTokenCount: 18, thoughtsTokenCount: 46, totalTokenCount: 104 })
 * // { inputTokens: 40, outputTokens: 64, totalTokens: 104, reasoningTokens: 46 }
 */
export function geminiUsage(wire: GeminiUsage): Usage {
  const { promptTokenCount: prompt, candidatesTokenCount: said, thoughtsTokenCount: thought } = wire
  return toUsage({
    inputTokens: prompt === undefined || prompt === null ? undefined : prompt + (wire.toolUsePromptTokenCount ?? 0),
    outputTokens: said === undefined || said === null ? thought : said + (thought ?? 0),
    totalTokens: wire.totalTokenCount,
    cacheReadTokens: wire.cachedContentTokenCount,
    reasoningTokens: thought,
  })
}

/** The figures of Gemini's Interactions API. A call may take several requests, and each reports its own. */
export interface GeminiInteractionUsage {
  readonly total_input_tokens?: number | null
  readonly total_cached_tokens?: number | null
  readonly total_tool_use_tokens?: number | null
  readonly total_output_tokens?: number | null
  readonly total_thought_tokens?: number | null
  readonly total_tokens?: number | null
}

/**
 * The same of the Interactions API. Whether its output has the thoughts in it is not documented: the total tells, else it is taken as in
 * Gemini's other API.
 *
 * @see https://ai.google.dev/api/interactions-api
 *
 * @example
 * geminiInteractionUsage({ total_input_tokens: 40, total_output_tokens: 18, total_thought_tokens: 46, total_tokens: 104 })
 * // { inputTokens: 40, outputTokens: 64, totalTokens: 104, reasoningTokens: 46 }
 */
export function geminiInteractionUsage(wire: GeminiInteractionUsage): Usage {
  const { total_input_tokens: input, total_tool_use_tokens: tools, total_output_tokens: output, total_thought_tokens: thought } = wire
  const isWithin = (input ?? 0) + (tools ?? 0) + (output ?? 0) === wire.total_tokens
  return geminiUsage({
    promptTokenCount: input,
    toolUsePromptTokenCount: tools,
    cachedContentTokenCount: wire.total_cached_tokens,
    candidatesTokenCount: isWithin && output ? output - (thought ?? 0) : output,
    thoughtsTokenCount: thought,
    totalTokenCount: wire.total_tokens,
  })
}
