import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type OpenAIUsage, openaiUsage, openaiWireUsage } from '../../../src/tokens/usage/openai.ts'

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

const spent = { prompt_tokens: 17, completion_tokens: 8, total_tokens: 25 }
const base = { inputTokens: 17, outputTokens: 8, totalTokens: 25 }

describe('openaiWireUsage() trusts the total of the server', () => {
  test.each<[string, OpenAIUsage, object]>([
    [
      'xAI: reasoning beside completion tokens',
      { prompt_tokens: 12, completion_tokens: 2, total_tokens: 354, completion_tokens_details: { reasoning_tokens: 340 } },
      { inputTokens: 12, outputTokens: 342, totalTokens: 354, reasoningTokens: 340 },
    ],
    [
      'OpenAI: reasoning within completion tokens',
      { prompt_tokens: 12, completion_tokens: 342, total_tokens: 354, completion_tokens_details: { reasoning_tokens: 340 } },
      { inputTokens: 12, outputTokens: 342, totalTokens: 354, reasoningTokens: 340 },
    ],
    [
      'reasoning larger than the output, without a total',
      { prompt_tokens: 12, completion_tokens: 2, completion_tokens_details: { reasoning_tokens: 340 } },
      { inputTokens: 12, outputTokens: 342, totalTokens: 354, reasoningTokens: 340 },
    ],
    [
      'Perplexity: a total without reasoning',
      { prompt_tokens: 12, completion_tokens: 20, total_tokens: 32, reasoning_tokens: 900 },
      { inputTokens: 12, outputTokens: 20, totalTokens: 32, reasoningTokens: 900 },
    ],
    [
      'Gemini: a total with thoughts that no field has',
      { prompt_tokens: 35, completion_tokens: 12, total_tokens: 109 },
      { inputTokens: 35, outputTokens: 12, totalTokens: 109 },
    ],
    [
      'Mistral: sound beside prompt tokens',
      { prompt_tokens: 9, completion_tokens: 248, total_tokens: 632, prompt_tokens_details: { cached_tokens: 0, audio_tokens: 375 } },
      { inputTokens: 384, outputTokens: 248, totalTokens: 632, cacheReadTokens: 0 },
    ],
    ['a total of 0', { ...spent, total_tokens: 0 }, base],
    ['no total', { prompt_tokens: 17, completion_tokens: 8 }, base],
    ['no output', { prompt_tokens: 17, total_tokens: 25 }, { inputTokens: 17, totalTokens: 25 }],
  ])('%s', (_, wire, expected) => {
    expect(openaiWireUsage(wire)).toEqual(expected)
  })

  test('the total is never less than its parts, and no part is less than reported', () => {
    const count = fc.option(fc.nat({ max: 50 }), { nil: undefined })
    const record = fc.record({ prompt: count, completion: count, total: count, reasoning: count, audio: count })
    fc.assert(
      fc.property(record, ({ prompt, completion, total, reasoning, audio }) => {
        const { inputTokens, outputTokens, totalTokens } = openaiWireUsage({
          prompt_tokens: prompt ?? null,
          completion_tokens: completion ?? null,
          total_tokens: total ?? null,
          prompt_tokens_details: { audio_tokens: audio ?? null },
          completion_tokens_details: { reasoning_tokens: reasoning ?? null },
        })
        if (prompt !== undefined && completion !== undefined && total !== undefined && total >= prompt + completion)
          expect(totalTokens).toBe(Math.max(total, (inputTokens ?? 0) + (outputTokens ?? 0)))
        expect(inputTokens ?? 0).toBeGreaterThanOrEqual(prompt ?? 0)
        expect(outputTokens ?? 0).toBeGreaterThanOrEqual(completion ?? 0)
        if (inputTokens !== undefined && outputTokens !== undefined) expect(totalTokens).toBeGreaterThanOrEqual(inputTokens + outputTokens)
      }),
    )
  })
})

test.each<[string, OpenAIUsage, object]>([
  ['Mistral', { num_cached_tokens: 4 }, { cacheReadTokens: 4 }],
  ['Mistral, with both fields', { num_cached_tokens: 4, prompt_tokens_details: { cached_tokens: 4 } }, { cacheReadTokens: 4 }],
  ['Moonshot and Together', { cached_tokens: 4 }, { cacheReadTokens: 4 }],
  ['DeepSeek', { prompt_cache_hit_tokens: 4 }, { cacheReadTokens: 4 }],
  ['gateways to Anthropic', { cache_read_input_tokens: 4, cache_creation_input_tokens: 5 }, { cacheReadTokens: 4, cacheWriteTokens: 5 }],
  ['LiteLLM', { prompt_tokens_details: { cached_tokens: 4, cache_creation_tokens: 5 } }, { cacheReadTokens: 4, cacheWriteTokens: 5 }],
  ['DashScope', { prompt_tokens_details: { cache_creation_input_tokens: 5 } }, { cacheWriteTokens: 5 }],
  ['OpenRouter', { prompt_tokens_details: { cache_write_tokens: 5 } }, { cacheWriteTokens: 5 }],
  [
    'null and text',
    { prompt_tokens_details: { cached_tokens: null }, cached_tokens: '4' as never, num_cached_tokens: 4 },
    { cacheReadTokens: 4 },
  ],
  ['a reported 0', { num_cached_tokens: 0 }, { cacheReadTokens: 0 }],
  ['nothing', { num_cached_tokens: null }, {}],
])('openaiWireUsage() reads the cache fields of %s', (_, fields, expected) => {
  expect(openaiWireUsage({ ...spent, ...fields })).toEqual({ ...base, ...expected })
})

test.each<[string, OpenAIUsage, number | undefined]>([
  ['OpenRouter', { cost: 0.005 }, 0.005],
  ['Perplexity', { cost: { input_tokens_cost: 0.001, total_cost: 0.005 } }, 0.005],
  ['xAI', { cost_in_usd_ticks: 50_000_000 }, 0.005],
  ['DeepInfra', { estimated_cost: 0.005 }, 0.005],
  ['a text', { cost: '0.005' }, undefined],
  ['null', { cost: null }, undefined],
  ['a list', { cost: [1] }, undefined],
])('openaiWireUsage() reads the cost of %s', (_, fields, cost) => {
  expect(openaiWireUsage({ ...spent, ...fields }).cost).toBe(cost)
})

test('openaiUsage() finds the usage in the last choice, as of Moonshot', () => {
  expect(openaiUsage({ choices: [{ usage: spent }] })).toEqual(base)
  expect(openaiUsage({ choices: [null, { usage: null }, {}] })).toBeUndefined()
  expect(openaiUsage({ usage: null, choices: [{ usage: spent }] })).toEqual(base)
})

describe('usage of the Responses API', () => {
  test('inputTokens includes cached tokens, outputTokens includes reasoning', () => {
    const wire = {
      input_tokens: 328,
      input_tokens_details: { cached_tokens: 256, cache_write_tokens: 0 },
      output_tokens: 152,
      output_tokens_details: { reasoning_tokens: 128 },
      total_tokens: 480,
    }
    expect(openaiWireUsage(wire)).toEqual({
      inputTokens: 328,
      outputTokens: 152,
      totalTokens: 480,
      cacheReadTokens: 256,
      cacheWriteTokens: 0,
      reasoningTokens: 128,
    })
  })

  test('unreported figures are absent, and a reported 0 stays (P8)', () => {
    expect(openaiWireUsage({})).toEqual({})
    expect(openaiWireUsage({ input_tokens: null, input_tokens_details: null, output_tokens_details: null })).toEqual({})
    expect(openaiWireUsage({ output_tokens: 0, total_tokens: 7 })).toEqual({ outputTokens: 0, totalTokens: 7 })
  })
})
