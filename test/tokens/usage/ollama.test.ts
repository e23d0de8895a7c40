import { expect, test } from 'vitest'
import { ollamaUsage } from '../../../src/tokens/usage/ollama.ts'

test('usage as Ollama reports it: the cache’s tokens are within the input', () => {
  expect(ollamaUsage({ prompt_eval_count: 26, prompt_eval_cached_count: 20, eval_count: 298 })).toEqual({
    inputTokens: 26,
    outputTokens: 298,
    totalTokens: 324,
    cacheReadTokens: 20,
  })
})

test('P8: a prompt that was not evaluated anew is unknown, not 0', () => {
  expect(ollamaUsage({ eval_count: 2 })).toEqual({ outputTokens: 2 })
  expect(ollamaUsage({ prompt_eval_count: null, eval_count: 0 })).toEqual({ outputTokens: 0 })
})
