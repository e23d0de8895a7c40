// Compares chaintap's reading of each provider's usage with that of @pydantic/genai-prices. That package reads whole answers, so each
// stream
// is first converted to one.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { calcPrice, extractUsage, findProvider, type Provider } from '@pydantic/genai-prices'
import type { Usage } from 'chaintap'
import { genaiPrices } from 'chaintap/genai-prices'
import { scriptedModel } from 'chaintap/testing'
import { costOf, TokenCounter } from 'chaintap/tokens'
import { createParser } from 'eventsource-parser'
import { describe, expect, test } from 'vitest'
import { root } from '../../../scripts/support.mjs'
import expectations from '../../fixtures/wire/expected.json'

type Json = Readonly<Record<string, unknown>>

const prices = await genaiPrices()
const at = Date.UTC(2026, 10, 1)

/** For each fixture with usage: the package's provider id and flavour, and the model. */
const fixtures: readonly (readonly [file: string, provider: string, flavour: string, model: string])[] = [
  ['anthropic-error-midstream.sse', 'anthropic', 'default', 'claude-sonnet-4-5-20250929'],
  ['anthropic-text.sse', 'anthropic', 'default', 'claude-sonnet-4-5-20250929'],
  ['anthropic-thinking-tool.sse', 'anthropic', 'default', 'claude-sonnet-4-5-20250929'],
  ['anthropic-truncated.sse', 'anthropic', 'default', 'claude-sonnet-4-5-20250929'],
  ['bedrock-converse.eventstream', 'aws', 'default', 'anthropic.claude-sonnet-4-5-20250929-v1:0'],
  ['deepseek-reasoner-cache.sse', 'deepseek', 'chat', 'deepseek-reasoner'],
  ['gemini-thinking-tool.sse', 'google', 'default', 'gemini-2.5-flash'],
  ['groq-chat-xgroq.sse', 'groq', 'default', 'openai/gpt-oss-20b'],
  ['mistral-chat.sse', 'mistral', 'default', 'mistral-small-latest'],
  ['openai-chat-usage.sse', 'openai', 'chat', 'gpt-5.5-2026-04-23'],
  ['openai-completions-legacy.sse', 'openai', 'chat', 'gpt-3.5-turbo-instruct:20230824-v2'],
  ['openai-responses-reasoning-tool.sse', 'openai', 'responses', 'gpt-5.5-2026-04-23'],
  ['openrouter-chat-cost.sse', 'openrouter', 'chat', 'anthropic/claude-sonnet-4.5'],
  ['sse-edge-cr-only.sse', 'openai', 'chat', 'gpt-5.5-2026-04-23'],
  ['sse-edge-crlf-bom-multiline.sse', 'openai', 'chat', 'gpt-5.5-2026-04-23'],
  ['workersai-native.sse', 'cloudflare', 'default', '@cf/meta/llama-3.1-8b-instruct'],
]

const pathOf = (file: string): string => join(root, 'test/fixtures/wire', file)

/** The JSON objects of a body, in order. Bedrock's frames are split where JSON begins and ends. */
function objectsIn(file: string): readonly Json[] {
  const text = readFileSync(pathOf(file), 'latin1')
  const found: string[] = []
  const parser = createParser({ onEvent: ({ data }) => found.push(data) })
  if (file.endsWith('.sse')) parser.feed(text.replace(/^\u00ef\u00bb\u00bf/, ''))
  else found.push(...(text.match(/\{[\t -ÿ]*\}/g) ?? []))
  return found.flatMap((json) => {
    try {
      return [JSON.parse(json) as Json]
    } catch {
      return []
    }
  })
}

/** The equivalent whole answer: the last known value of each field. */
function wholeOf(file: string, model: string): Json {
  const whole: Record<string, unknown> = { model, modelVersion: model, modelId: model }
  for (const event of objectsIn(file)) {
    const answer = { ...(event.message as Json), ...(event.response as Json), ...(event.x_groq as Json), ...event }
    for (const field of ['usage', 'usageMetadata']) {
      const given = answer[field] as Json | null | undefined
      if (given) whole[field] = { ...(whole[field] as Json), ...given }
    }
  }
  // In Cloudflare's REST API the answer is one level deeper.
  return { ...whole, result: whole }
}

describe('each wire fixture', () => {
  test('is in the list', () => {
    const withUsage = Object.entries(expectations).filter(([, { provider, usage }]) => usage !== null && provider !== 'ollama')
    expect(fixtures.map(([file]) => file)).toEqual(withUsage.map(([file]) => file).sort())
    expect(fixtures.filter(([file]) => !existsSync(pathOf(file)))).toEqual([])
  })

  test.each(fixtures)('%s has the cost that the package computes from its usage', (file, providerId, flavour, model) => {
    const provider = findProvider({ providerId })
    if (!provider) throw new Error(`It does not know ${providerId}`)
    const read = extractUsage(provider, wholeOf(file, model), flavour)
    const theirs = calcPrice(read.usage, model, { provider, timestamp: new Date(at) })
    const { usage, provider: ours } = (expectations as Readonly<Record<string, { provider: string; usage: Usage | null }>>)[file] ?? {}
    const price = prices.price(usage ?? {}, { provider: ours, model, at })
    expect(read.usage).toMatchObject({ input_tokens: usage?.inputTokens, output_tokens: usage?.outputTokens })
    expect(theirs?.total_price).toBeGreaterThan(0)
    expect(price).toEqual({
      total: expect.closeTo(theirs?.total_price ?? Number.NaN, 12),
      currency: 'USD',
      source: '@pydantic/genai-prices',
    })
  })
})

describe('genaiPrices()', () => {
  const usage = { inputTokens: 1_000, outputTokens: 100, totalTokens: 1_100 }

  test('prices cache reads, cache writes and reasoning separately', () => {
    const cached = { ...usage, cacheReadTokens: 200, cacheWriteTokens: 300, reasoningTokens: 50 }
    const price = prices.price(cached, { provider: 'anthropic', model: 'claude-haiku-4-5', at })
    // Per million tokens: input $1, cache read 0.1, cache write 1.25, output 5.
    expect(price?.total).toBeCloseTo((500 * 1 + 200 * 0.1 + 300 * 1.25 + 100 * 5) / 1e6, 12)
  })

  test('prices one-hour cache writes separately; without such a price the cost is unknown', () => {
    const cached = { ...usage, cacheReadTokens: 200, cacheWriteTokens: 300 }
    const call = { provider: 'anthropic', model: 'claude-haiku-4-5', cacheWrite1hTokens: 100, at }
    // Per million tokens: $1.25 cached for five minutes, $2 for one hour.
    expect(prices.price(cached, call)?.total).toBeCloseTo((500 * 1 + 200 * 0.1 + 200 * 1.25 + 100 * 2 + 100 * 5) / 1e6, 12)
    const wire = { input_tokens: 500, cache_read_input_tokens: 200, cache_creation_input_tokens: 300, output_tokens: 100 }
    const split = { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 100 }
    const provider = findProvider({ providerId: 'anthropic' }) as Provider
    const theirs = extractUsage(provider, { model: call.model, usage: { ...wire, cache_creation: split } })
    expect(prices.price(cached, call)?.total).toBe(calcPrice(theirs.usage, call.model, { provider, timestamp: new Date(at) })?.total_price)
    const amazons = { ...call, provider: 'aws', model: 'global.anthropic.claude-haiku-4-5-20251001-v1:0' }
    expect(prices.price(cached, amazons)).toBeUndefined()
    expect(prices.price(cached, { ...amazons, cacheWrite1hTokens: undefined })?.total).toBeGreaterThan(0)
  })

  test.each([
    ['an unknown model', { provider: 'openai', model: 'no-such-model' }],
    ['an unknown provider', { provider: 'ollama', model: 'gpt-4o' }],
    ['no model', { provider: 'openai', model: undefined }],
  ])('returns no price for %s', (_, call) => {
    expect(prices.price(usage, { ...call, at })).toBeUndefined()
  })

  test.each([{ inputTokens: 10 }, { outputTokens: 10 }, {}, { ...usage, cacheReadTokens: 5_000 }])(
    'returns no price for the usage %j',
    (unknown) => {
      expect(prices.price(unknown, { provider: 'openai', model: 'gpt-4o', at })).toBeUndefined()
    },
  )

  test('the URL identifies the provider before the format of the answer does', () => {
    const model = 'openai/gpt-oss-20b'
    const groq = prices.price(usage, { provider: 'groq', model, at })
    expect(groq?.total).toBeGreaterThan(0)
    expect(prices.price(usage, { provider: 'openai', model, url: 'https://api.groq.com/openai/v1/chat/completions', at })).toEqual(groq)
    expect(prices.price(usage, { provider: 'groq', model, url: 'http://localhost:1234/v1/chat/completions', at })).toEqual(groq)
    expect(prices.price(usage, { model: 'gpt-4o', at })).toEqual(prices.price(usage, { provider: 'openai', model: 'gpt-4o', at }))
  })

  test('uses the prices valid at the time of the call', () => {
    const at = (date: string) => prices.price(usage, { provider: 'openai', model: 'o3', at: Date.parse(date) })?.total
    expect(at('2025-05-01')).toBeGreaterThan(at('2025-07-01') ?? Number.NaN)
  })

  test('prices the calls of a run', async () => {
    const counter = new TokenCounter({ prices })
    await scriptedModel([{ tokens: [{ type: 'meta', id: 'a', model: 'gpt-4o' }, 'Hi'], usage }]).invoke('Hi', { callbacks: [counter] })
    expect(counter.totalCost).toBe(prices.price(usage, { provider: 'openai', model: 'gpt-4o', at })?.total)
    expect(costOf({ ...usage, cost: 1 }, { provider: 'openrouter', model: 'gpt-4o', at }, prices)).toEqual({
      total: 1,
      currency: 'USD',
      source: 'openrouter',
    })
  })
})
