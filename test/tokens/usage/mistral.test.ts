import { expect, test } from 'vitest'
import { mistralUsage } from '../../../src/tokens/usage/mistral.ts'

const spent = { prompt_tokens: 17, completion_tokens: 8, total_tokens: 25 }
const usage = { inputTokens: 17, outputTokens: 8, totalTokens: 25 }

test('mistralUsage() reads Mistral’s own field for cached tokens, and OpenAI’s', () => {
  expect(mistralUsage({ usage: { ...spent, num_cached_tokens: 16 } })).toEqual({ ...usage, cacheReadTokens: 16 })
  expect(mistralUsage({ usage: { ...spent, prompt_tokens_details: { cached_tokens: 16 } } })).toEqual({ ...usage, cacheReadTokens: 16 })
  expect(mistralUsage({ usage: { ...spent, num_cached_tokens: 16, prompt_tokens_details: { cached_tokens: 16 } } })).toEqual({
    ...usage,
    cacheReadTokens: 16,
  })
})

test('unreported figures are absent, and a reported 0 stays (P8)', () => {
  expect(mistralUsage({})).toBeUndefined()
  expect(mistralUsage({ usage: null })).toBeUndefined()
  expect(mistralUsage({ usage: { ...spent, num_cached_tokens: null } })).toEqual(usage)
  expect(mistralUsage({ usage: { ...spent, num_cached_tokens: 0 } })).toEqual({ ...usage, cacheReadTokens: 0 })
})
