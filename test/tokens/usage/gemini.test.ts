import { describe, expect, test } from 'vitest'
import { geminiInteractionUsage, geminiUsage } from '../../../src/tokens/usage/gemini.ts'

describe('usage as Gemini reports it', () => {
  test('thoughts are counted within the output, what its tools gave back within the input', () => {
    const wire = {
      promptTokenCount: 40,
      toolUsePromptTokenCount: 10,
      candidatesTokenCount: 18,
      thoughtsTokenCount: 46,
      totalTokenCount: 114,
    }
    expect(geminiUsage(wire)).toEqual({ inputTokens: 50, outputTokens: 64, totalTokens: 114, reasoningTokens: 46 })
  })

  test('the input includes the cache', () => {
    expect(geminiUsage({ promptTokenCount: 40, cachedContentTokenCount: 32 })).toEqual({ inputTokens: 40, cacheReadTokens: 32 })
  })

  test('thoughts alone are output, too', () => {
    expect(geminiUsage({ promptTokenCount: 40, thoughtsTokenCount: 30, totalTokenCount: 70 })).toEqual({
      inputTokens: 40,
      outputTokens: 30,
      totalTokens: 70,
      reasoningTokens: 30,
    })
  })

  test('P8: what was not reported is absent, a reported 0 stays, and the total of the provider stands in where a part is unknown', () => {
    expect(geminiUsage({})).toEqual({})
    expect(geminiUsage({ promptTokenCount: null, candidatesTokenCount: null, thoughtsTokenCount: null, totalTokenCount: null })).toEqual({})
    expect(geminiUsage({ promptTokenCount: 5, totalTokenCount: 9 })).toEqual({ inputTokens: 5, totalTokens: 9 })
    expect(geminiUsage({ candidatesTokenCount: 0 })).toEqual({ outputTokens: 0 })
  })
})

describe('usage as Gemini’s Interactions report it', () => {
  test('whether the output has the thoughts in it is told by the total', () => {
    const wire = { total_input_tokens: 40, total_cached_tokens: 32, total_output_tokens: 18, total_thought_tokens: 6 }
    const known = { inputTokens: 40, cacheReadTokens: 32, reasoningTokens: 6 }
    expect(geminiInteractionUsage({ ...wire, total_tokens: 64 })).toEqual({ ...known, outputTokens: 24, totalTokens: 64 })
    expect(geminiInteractionUsage({ ...wire, total_tokens: 58 })).toEqual({ ...known, outputTokens: 18, totalTokens: 58 })
    expect(geminiInteractionUsage(wire)).toEqual({ ...known, outputTokens: 24, totalTokens: 64 })
  })

  test('P8: what was not reported is absent', () => {
    expect(geminiInteractionUsage({})).toEqual({})
    expect(geminiInteractionUsage({ total_input_tokens: 3, total_output_tokens: null })).toEqual({ inputTokens: 3 })
  })
})
