import type { Usage } from '../../core/usage.ts'
import { toUsage } from './to-usage.ts'

/**
 * Ollama's usage, in the last line of a stream and in an answer that is not streamed. The input is omitted if the prompt was not evaluated.
 */
export interface OllamaUsage {
  /** Including tokens read from the cache. */
  readonly prompt_eval_count?: number | null
  readonly prompt_eval_cached_count?: number | null
  /** Including thinking. */
  readonly eval_count?: number | null
}

/**
 * Converts Ollama's usage. Figures that were not reported are absent, never 0.
 *
 * @see https://docs.ollama.com/api/usage
 *
 * @example
 * ollamaUsage({ prompt_eval_count: 26, eval_count: 298 })
 * // { inputTokens: 26, outputTokens: 298, totalTokens: 324 }
 */
export function ollamaUsage({ prompt_eval_count: input, prompt_eval_cached_count: cached, eval_count: output }: OllamaUsage): Usage {
  return toUsage({ inputTokens: input, outputTokens: output, cacheReadTokens: cached })
}
