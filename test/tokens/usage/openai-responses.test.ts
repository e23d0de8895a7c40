import { describe, expect, test } from 'vitest'
import { openaiResponsesUsage } from '../../../src/tokens/usage/openai-responses.ts'

describe('openaiResponsesUsage()', () => {
  test('inputTokens includes cached tokens, outputTokens includes reasoning', () => {
    const wire = {
      input_tokens: 328,
      input_tokens_details: { cached_tokens: 256, cache_write_tokens: 0 },
      output_tokens: 152,
      output_tokens_details: { reasoning_tokens: 128 },
      total_tokens: 480,
    }
    expect(openaiResponsesUsage(wire)).toEqual({
      inputTokens: 328,
      outputTokens: 152,
      totalTokens: 480,
      cacheReadTokens: 256,
      cacheWriteTokens: 0,
      reasoningTokens: 128,
    })
  })

  test('reads the cost that OpenRouter reports', () => {
    expect(openaiResponsesUsage({ input_tokens: 3, output_tokens: 2, cost: 0.001 })).toMatchObject({ cost: 0.001 })
    expect(openaiResponsesUsage({ input_tokens: 3, output_tokens: 2, cost: '0.001' })).not.toHaveProperty('cost')
    const own = { is_byok: true, cost: 0.001, cost_details: { upstream_inference_cost: 0.02 } }
    expect(openaiResponsesUsage({ input_tokens: 3, output_tokens: 2, ...own }).cost).toBeCloseTo(0.021, 12)
  })

  test('unreported figures are absent, and a reported 0 stays (P8)', () => {
    expect(openaiResponsesUsage({})).toEqual({})
    expect(openaiResponsesUsage({ input_tokens: null, input_tokens_details: null, output_tokens_details: null })).toEqual({})
    expect(openaiResponsesUsage({ output_tokens: 0, total_tokens: 7 })).toEqual({ outputTokens: 0, totalTokens: 7 })
  })
})
