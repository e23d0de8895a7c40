import { expect, test } from 'vitest'
import { ollamaUsage } from '../../../src/tokens/usage/ollama.ts'

test('ollamaUsage(): inputTokens includes cached tokens', () => {
  expect(ollamaUsage({ prompt_eval_count: 26, prompt_eval_cached_count: 20, eval_count: 298 })).toEqual({
    inputTokens: 26,
    outputTokens: 298,
    totalTokens: 324,
    cacheReadTokens: 20,
  })
})

test('the input of a prompt that was not evaluated is unknown, not 0 (P8)', () => {
  expect(ollamaUsage({ eval_count: 2 })).toEqual({ outputTokens: 2 })
  expect(ollamaUsage({ prompt_eval_count: null, eval_count: 0 })).toEqual({ outputTokens: 0 })
})
