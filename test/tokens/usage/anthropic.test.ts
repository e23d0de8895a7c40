import { describe, expect, test } from 'vitest'
import { mergeUsage } from '../../../src/core/usage.ts'
import { anthropicCacheWrite1hTokens, anthropicUsage } from '../../../src/tokens/usage/anthropic.ts'

describe('anthropicUsage()', () => {
  test('inputTokens includes tokens read from and written to the cache', () => {
    const wire = { input_tokens: 100, cache_read_input_tokens: 1_000, cache_creation_input_tokens: 200, output_tokens: 20 }
    expect(anthropicUsage(wire)).toEqual({
      inputTokens: 1_300,
      outputTokens: 20,
      totalTokens: 1_320,
      cacheReadTokens: 1_000,
      cacheWriteTokens: 200,
    })
  })

  test('outputTokens includes thinking, and reasoningTokens reports it separately', () => {
    expect(anthropicUsage({ output_tokens: 118, output_tokens_details: { thinking_tokens: 61 } })).toEqual({
      outputTokens: 118,
      reasoningTokens: 61,
    })
  })

  test('calls that Anthropic bills but omits from its totals are added: compaction, advisor model', () => {
    const spent = { input_tokens: 100, output_tokens: 10, cache_read_input_tokens: 5, cache_creation_input_tokens: 0 }
    const iterations = [
      { type: 'compaction', ...spent },
      { type: 'message', ...spent },
      { type: 'advisor_message', ...spent },
      { type: 'fallback_message', ...spent },
      { ...spent },
    ]
    expect(anthropicUsage({ input_tokens: 1_000, output_tokens: 20, cache_read_input_tokens: 0, iterations })).toEqual({
      inputTokens: 1_210,
      outputTokens: 40,
      totalTokens: 1_250,
      cacheReadTokens: 10,
      cacheWriteTokens: 0,
    })
    expect(anthropicUsage({ input_tokens: 1, iterations: null })).toEqual({ inputTokens: 1 })
  })

  test('anthropicCacheWrite1hTokens() sums one-hour cache writes, including calls omitted from the totals', () => {
    const cache_creation = { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 400 }
    expect(anthropicCacheWrite1hTokens({ input_tokens: 1, cache_creation_input_tokens: 500, cache_creation })).toBe(400)
    const iterations = [{ type: 'compaction', cache_creation }, { type: 'message', cache_creation }, { type: 'compaction' }]
    expect(anthropicCacheWrite1hTokens({ cache_creation, iterations })).toBe(800)
    expect(anthropicCacheWrite1hTokens({ cache_creation: null })).toBeUndefined()
    expect(anthropicCacheWrite1hTokens({ cache_creation: {} })).toBeUndefined()
  })

  test('unreported figures are absent, and a reported 0 stays (P8)', () => {
    expect(anthropicUsage({})).toEqual({})
    expect(anthropicUsage({ input_tokens: null, output_tokens: null, cache_read_input_tokens: null, output_tokens_details: null })).toEqual(
      {},
    )
    expect(anthropicUsage({ input_tokens: 0, cache_read_input_tokens: 0 })).toEqual({ inputTokens: 0, cacheReadTokens: 0 })
    expect(anthropicUsage({ cache_read_input_tokens: 5, output_tokens: 1 })).toEqual({ cacheReadTokens: 5, outputTokens: 1 })
  })

  test('within one response, the last known value of a field counts and nothing is added (P8)', () => {
    const start = { input_tokens: 25, cache_read_input_tokens: 7, output_tokens: 1 }
    const end = { input_tokens: 10_682, cache_read_input_tokens: null, output_tokens: 15 }
    expect(mergeUsage(start, end)).toEqual({ input_tokens: 10_682, cache_read_input_tokens: 7, output_tokens: 15 })
    expect(anthropicUsage(mergeUsage(start, { output_tokens: 15 }))).toEqual({
      inputTokens: 32,
      outputTokens: 15,
      totalTokens: 47,
      cacheReadTokens: 7,
    })
  })
})
