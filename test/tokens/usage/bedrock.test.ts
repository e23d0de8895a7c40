import { describe, expect, test } from 'vitest'
import { bedrockMetricsUsage, bedrockUsage } from '../../../src/tokens/usage/bedrock.ts'

describe('bedrockUsage()', () => {
  test('inputTokens includes tokens read from and written to the cache, which Bedrock reports separately', () => {
    const wire = { inputTokens: 125, outputTokens: 60, totalTokens: 1_219, cacheReadInputTokens: 1_024, cacheWriteInputTokens: 10 }
    expect(bedrockUsage(wire)).toEqual({
      inputTokens: 1_159,
      outputTokens: 60,
      totalTokens: 1_219,
      cacheReadTokens: 1_024,
      cacheWriteTokens: 10,
    })
  })

  test('bedrockMetricsUsage() converts InvokeModel’s metrics by the same rule', () => {
    const wire = { inputTokenCount: 3, outputTokenCount: 2, cacheReadInputTokenCount: 4, cacheWriteInputTokenCount: 1 }
    expect(bedrockMetricsUsage(wire)).toEqual({ inputTokens: 8, outputTokens: 2, totalTokens: 10, cacheReadTokens: 4, cacheWriteTokens: 1 })
  })

  test('unreported figures are absent, and a reported 0 stays (P8)', () => {
    expect(bedrockUsage({})).toEqual({})
    expect(bedrockMetricsUsage({})).toEqual({})
    expect(bedrockUsage({ inputTokens: null, outputTokens: 0, cacheReadInputTokens: 0 })).toEqual({ outputTokens: 0, cacheReadTokens: 0 })
    expect(bedrockUsage({ outputTokens: 5, totalTokens: 9 })).toEqual({ outputTokens: 5, totalTokens: 9 })
  })
})
