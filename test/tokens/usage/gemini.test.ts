import { describe, expect, test } from 'vitest'
import { geminiInteractionUsage, geminiUsage } from '../../../src/tokens/usage/gemini.ts'

describe('geminiUsage()', () => {
  test('outputTokens includes thoughts, inputTokens the results of its tools', () => {
    const wire = {
      promptTokenCount: 40,
      toolUsePromptTokenCount: 10,
      candidatesTokenCount: 18,
      thoughtsTokenCount: 46,
      totalTokenCount: 114,
    }
    expect(geminiUsage(wire)).toEqual({ inputTokens: 50, outputTokens: 64, totalTokens: 114, reasoningTokens: 46 })
  })

  test('inputTokens includes cached tokens', () => {
    expect(geminiUsage({ promptTokenCount: 40, cachedContentTokenCount: 32 })).toEqual({ inputTokens: 40, cacheReadTokens: 32 })
  })

  test('thoughts without an output count as outputTokens', () => {
    expect(geminiUsage({ promptTokenCount: 40, thoughtsTokenCount: 30, totalTokenCount: 70 })).toEqual({
      inputTokens: 40,
      outputTokens: 30,
      totalTokens: 70,
      reasoningTokens: 30,
    })
  })

  test('unreported figures are absent, a reported 0 stays, and the provider’s total is used if a part is unknown (P8)', () => {
    expect(geminiUsage({})).toEqual({})
    expect(geminiUsage({ promptTokenCount: null, candidatesTokenCount: null, thoughtsTokenCount: null, totalTokenCount: null })).toEqual({})
    expect(geminiUsage({ promptTokenCount: 5, totalTokenCount: 9 })).toEqual({ inputTokens: 5, totalTokens: 9 })
    expect(geminiUsage({ candidatesTokenCount: 0 })).toEqual({ outputTokens: 0 })
  })
})

describe('geminiInteractionUsage()', () => {
  test('the total decides whether the output includes thoughts', () => {
    const wire = { total_input_tokens: 40, total_cached_tokens: 32, total_output_tokens: 18, total_thought_tokens: 6 }
    const known = { inputTokens: 40, cacheReadTokens: 32, reasoningTokens: 6 }
    expect(geminiInteractionUsage({ ...wire, total_tokens: 64 })).toEqual({ ...known, outputTokens: 24, totalTokens: 64 })
    expect(geminiInteractionUsage({ ...wire, total_tokens: 58 })).toEqual({ ...known, outputTokens: 18, totalTokens: 58 })
    expect(geminiInteractionUsage(wire)).toEqual({ ...known, outputTokens: 24, totalTokens: 64 })
  })

  test('unreported figures are absent (P8)', () => {
    expect(geminiInteractionUsage({})).toEqual({})
    expect(geminiInteractionUsage({ total_input_tokens: 3, total_output_tokens: null })).toEqual({ inputTokens: 3 })
  })
})
