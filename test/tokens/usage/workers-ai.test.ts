import { expect, test } from 'vitest'
import { workersAIUsage } from '../../../src/tokens/usage/workers-ai.ts'

const usage = { prompt_tokens: 21, completion_tokens: 9, total_tokens: 30, prompt_tokens_details: { cached_tokens: 0 } }
const expected = { inputTokens: 21, outputTokens: 9, totalTokens: 30, cacheReadTokens: 0 }

test('workersAIUsage() reads the usage of an event, an answer, and the result over REST', () => {
  expect(workersAIUsage({ usage })).toEqual(expected)
  expect(workersAIUsage({ result: { usage } })).toEqual(expected)
})

test('unreported figures are unknown, not 0 (P8)', () => {
  expect(workersAIUsage({})).toBeUndefined()
  expect(workersAIUsage({ usage: null, result: null })).toBeUndefined()
})
