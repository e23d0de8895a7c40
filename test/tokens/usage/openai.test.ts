import { describe, expect, test } from 'vitest'
import { openaiUsage } from '../../../src/tokens/usage/openai.ts'

const full = {
  prompt_tokens: 1_243,
  completion_tokens: 77,
  total_tokens: 1_320,
  prompt_tokens_details: { cached_tokens: 1_024, cache_write_tokens: 128, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 64 },
}

describe('openaiUsage()', () => {
  test('inputTokens includes cached tokens, outputTokens includes reasoning', () => {
    expect(openaiUsage({ usage: full })).toEqual({
      inputTokens: 1_243,
      outputTokens: 77,
      totalTokens: 1_320,
      cacheReadTokens: 1_024,
      cacheWriteTokens: 128,
      reasoningTokens: 64,
    })
  })

  test('reads DeepSeek’s field for cached tokens, and OpenRouter’s cost', () => {
    const usage = { prompt_tokens: 140, completion_tokens: 52, prompt_cache_hit_tokens: 128, prompt_cache_miss_tokens: 12, cost: 0.001_12 }
    expect(openaiUsage({ usage })).toEqual({ inputTokens: 140, outputTokens: 52, totalTokens: 192, cacheReadTokens: 128, cost: 0.001_12 })
    expect(openaiUsage({ usage: { prompt_cache_hit_tokens: 0, prompt_tokens_details: { cached_tokens: 5 } } })).toEqual({
      cacheReadTokens: 5,
    })
    expect(openaiUsage({ usage: { cost: { total_cost: 1 } } })).toEqual({})
  })

  test('with the caller’s own key, the cost is the sum of OpenRouter’s fee and the provider’s charge', () => {
    const wire = { prompt_tokens: 9_171, completion_tokens: 113, cost: 0.001, is_byok: true }
    const details = { upstream_inference_cost: 0.036, upstream_inference_prompt_cost: 0.034 }
    expect(openaiUsage({ usage: { ...wire, cost_details: details } })?.cost).toBeCloseTo(0.037, 12)
    expect(openaiUsage({ usage: { ...wire, cost: 0, cost_details: details } })?.cost).toBe(0.036)
    // The fee alone is not the whole cost.
    expect(openaiUsage({ usage: wire })).not.toHaveProperty('cost')
    expect(openaiUsage({ usage: { ...wire, cost_details: { upstream_inference_cost: null } } })).not.toHaveProperty('cost')
    // Without such a key, some answers contain both fields with the same amount.
    expect(openaiUsage({ usage: { ...wire, is_byok: false, cost_details: details } })?.cost).toBe(0.001)
  })

  test('reads Groq’s x_groq.usage, which equals the common field', () => {
    expect(openaiUsage({ x_groq: { usage: full } })).toEqual(openaiUsage({ usage: full }))
    expect(openaiUsage({ x_groq: { usage: full }, usage: full })).toEqual(openaiUsage({ usage: full }))
  })

  test('unreported figures are absent, and a reported 0 stays (P8)', () => {
    expect(openaiUsage({})).toBeUndefined()
    expect(openaiUsage({ usage: null, x_groq: null })).toBeUndefined()
    expect(openaiUsage({ x_groq: {} })).toBeUndefined()
    const nothing = { prompt_tokens: null, prompt_tokens_details: null, completion_tokens_details: { reasoning_tokens: null } }
    expect(openaiUsage({ usage: nothing })).toEqual({})
    expect(openaiUsage({ usage: { prompt_tokens: 0, completion_tokens: 0 } })).toEqual({ inputTokens: 0, outputTokens: 0, totalTokens: 0 })
    expect(openaiUsage({ usage: { completion_tokens: 2, total_tokens: 9 } })).toEqual({ outputTokens: 2, totalTokens: 9 })
  })
})
