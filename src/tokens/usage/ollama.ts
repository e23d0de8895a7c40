import type { Usage } from '../../core/usage.ts'
import { toUsage } from './to-usage.ts'

/** Ollama's figures, in the last line of a stream and in a whole answer. The input's is left out where the prompt was not evaluated anew. */
export interface OllamaUsage {
  /** With what was read from the cache. */
  readonly prompt_eval_count?: number | null
  readonly prompt_eval_cached_count?: number | null
  /** With thinking. */
  readonly eval_count?: number | null
}

/**
 * Ollama's figures as ours. What was not reported is absent, never 0.
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
