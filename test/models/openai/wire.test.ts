import type { AssistantMessage } from 'chaintap'
import { ChatOpenAI, type ChatOpenAIOptions, OpenAI } from 'chaintap/openai'
import { faultyFetch, openaiCompletionJson, openaiCompletionSse, openaiJson, openaiSse } from 'chaintap/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OpenAIDecoder } from '../../../src/models/chat-completions/decoder.ts'
import { reportedError } from '../../../src/tokens/answer/reported-error.ts'
import { wireContract } from '../../contracts/wire.ts'

const refusal = (type: string, message: string) => {
  const body = JSON.stringify(openaiJson({ error: { type, message } }))
  return { body, event: `data: ${body}\n\n` }
}

wireContract('ChatOpenAI', {
  make: (options) => new ChatOpenAI({ dangerouslyAllowBrowser: true, ...options }),
  fixtures: [
    'openai-chat-usage.sse',
    'openai-chat-tools-nousage.sse',
    'openai-chat-error-midstream.sse',
    'deepseek-reasoner-cache.sse',
    'groq-chat-xgroq.sse',
    'openrouter-chat-cost.sse',
    'sse-edge-cr-only.sse',
    'sse-edge-crlf-bom-multiline.sse',
  ],
  sse: openaiSse,
  json: openaiJson,
  refusal,
  endless: 'data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"',
})

wireContract('OpenAI', {
  make: (options) => new OpenAI({ dangerouslyAllowBrowser: true, ...options }),
  fixtures: ['openai-completions-legacy.sse'],
  sse: openaiCompletionSse,
  json: openaiCompletionJson,
  refusal,
  endless: 'data: {"id":"cmpl-1","choices":[{"index":0,"text":"',
})

type Json = Readonly<Record<string, unknown>>

const serving = (body: string | readonly string[], options: ChatOpenAIOptions = {}): ChatOpenAI =>
  new ChatOpenAI({ apiKey: 'none', fetch: faultyFetch({ body }), dangerouslyAllowBrowser: true, ...options })

/** The message of these chunks, followed by [DONE]. */
const messageOf = (chunks: readonly unknown[]): Promise<AssistantMessage> =>
  serving(
    [...chunks.map((chunk) => JSON.stringify(chunk)), '[DONE]'].map((data) => `data: ${data}\n\n`),
    { streaming: true },
  ).invoke('Hi')

const chunk = (delta: Json, rest: Json = {}): Json => ({ id: 'chatcmpl-1', model: 'gpt', choices: [{ index: 0, delta, ...rest }] })
const stop = chunk({}, { finish_reason: 'stop' })
const calling = (...tool_calls: readonly Json[]): Json => chunk({ tool_calls })
const call = (args: unknown, rest: Json = {}): Json => ({ function: { arguments: args }, ...rest })
const weather = (id: string | undefined, args: unknown, rest: Json = {}): Json => ({
  id,
  function: { name: 'weather', arguments: args },
  ...rest,
})

describe('OpenAIDecoder', () => {
  test('reads id and model once, and accepts Azure’s empty first event', async () => {
    const empty = { id: '', model: '', choices: [], prompt_filter_results: [{ prompt_index: 0 }] }
    const later = { ...chunk({ content: 'lo' }), model: '' }
    expect(await messageOf([empty, chunk({ content: 'Hel' }), empty, later, stop])).toEqual({
      role: 'assistant',
      content: 'Hello',
      id: 'chatcmpl-1',
      model: 'gpt',
      stopReason: 'stop',
    })
  })

  test('keeps the first id and the first model', async () => {
    const text = (rest: Json): Json => ({ choices: [{ index: 0, delta: { content: 'a' } }], ...rest })
    const chunks = [text({ id: 'a' }), text({ id: 'b', model: 'm' }), text({ id: 'c', model: 'n' }), stop]
    expect(await messageOf(chunks)).toMatchObject({ content: 'aaa', id: 'a', model: 'm' })
  })

  test('reads the first of several choices', async () => {
    const second = { ...chunk({}), choices: [{ index: 1, delta: { content: 'Bonjour' }, finish_reason: 'stop' }] }
    const both = {
      ...chunk({}),
      choices: [
        { index: 1, delta: { content: '!' } },
        { index: 0, delta: { content: 'lo' } },
      ],
    }
    expect(await messageOf([second, chunk({ content: 'Hel' }), second, both, stop])).toMatchObject({ content: 'Hello', stopReason: 'stop' })
    await expect(messageOf([chunk({ content: 'Hel' })].concat(second))).resolves.toMatchObject({ content: 'Hel' })
  })

  test('reads usage in any chunk, with its choice, and keeps the last report (P8)', async () => {
    const counted = { ...chunk({ content: 'lo' }), usage: { prompt_tokens: 3, completion_tokens: 2 } }
    const whole = { choices: [], usage: { prompt_tokens: 3, completion_tokens: 5, prompt_tokens_details: null } }
    expect(await messageOf([chunk({ content: 'Hel' }), counted, stop, whole])).toMatchObject({
      content: 'Hello',
      usage: { inputTokens: 3, outputTokens: 5, totalTokens: 8 },
    })
  })

  test('[DONE] or a finish reason is an end; without both the response is truncated', async () => {
    expect(await messageOf([chunk({ content: 'Hello' })])).toEqual({ role: 'assistant', content: 'Hello', id: 'chatcmpl-1', model: 'gpt' })
    const cut = serving(`data: ${JSON.stringify(chunk({ content: 'Hello' }))}\n\n`, { streaming: true })
    await expect(cut.invoke('Hi')).rejects.toMatchObject({ code: 'truncated' })
    const ended = serving(`data: ${JSON.stringify(chunk({ content: 'Hello' }, { finish_reason: 'length' }))}\n\n`, { streaming: true })
    expect(await ended.invoke('Hi')).toMatchObject({ content: 'Hello', stopReason: 'length' })
  })

  test('a refusal becomes the text of the message', async () => {
    expect(await messageOf([chunk({ refusal: 'I can' }), chunk({ refusal: 'not.' }), stop])).toMatchObject({ content: 'I cannot.' })
  })

  test('ignores unknown events and fields, and values that are not objects', async () => {
    const unknown = [{}, null, 5, 'hello', { choices: [null] }, { choices: {} }, { choices: [{ index: 0 }] }, { moderation: {} }]
    expect(await messageOf([...unknown, chunk({ content: [5, null, {}] }), chunk({ content: 'Hello', audio: {} }), stop])).toMatchObject({
      content: 'Hello',
    })
  })

  test.each([
    ['DeepSeek', [{ reasoning_content: 'Hm' }, { reasoning_content: '.', content: null }]],
    ['Groq', [{ reasoning: 'Hm', content: '' }, { reasoning: '.' }]],
    ['OpenRouter', [{ reasoning: 'Hm.', reasoning_details: [{ type: 'reasoning.text', text: 'Hm.' }] }]],
    [
      'OpenRouter, in reasoning_details only',
      [
        { reasoning_details: [{ type: 'reasoning.summary', summary: 'Hm' }] },
        {
          reasoning_details: [
            { type: 'reasoning.text', text: '.' },
            { type: 'reasoning.encrypted', data: 'c2VjcmV0' },
          ],
        },
      ],
    ],
  ])('reads the reasoning of %s, before the text', async (_, deltas) => {
    expect(await messageOf([...deltas.map((delta) => chunk(delta)), chunk({ content: 'Hello' }), stop])).toMatchObject({
      content: [
        { type: 'reasoning', text: 'Hm.' },
        { type: 'text', text: 'Hello' },
      ],
    })
  })

  test.each([
    [
      'a number',
      { error: { code: 502, message: 'No provider', metadata: {} }, choices: [{ index: 0, delta: {}, finish_reason: 'error' }] },
      '502',
    ],
    ['the code', { error: { code: 'server_error', message: 'No provider' } }, 'server_error'],
    ['the type rather than the code', { error: { type: 'overloaded', code: 'x', message: 'No provider' } }, 'overloaded'],
    ['none', { error: { message: 'No provider' } }, undefined],
    ['none, for an error that is a string', { error: 'No provider' }, undefined],
    [
      'the type of an error that is not nested',
      { object: 'error', message: 'No provider', type: 'BadRequestError', code: 400 },
      'BadRequestError',
    ],
    ['none, in Groq’s x_groq', { ...chunk({}), x_groq: { id: 'req_1', error: 'No provider' } }, undefined],
    [
      'a message that is no text',
      { message: { detail: [{ msg: 'No provider' }] }, type: 'invalid_request_error' },
      'invalid_request_error',
    ],
  ])('an error throws with its providerType: %s', async (_, error, providerType) => {
    await expect(messageOf([chunk({ content: 'Hel' }), error])).rejects.toMatchObject({
      code: 'wire',
      message: expect.stringContaining('No provider'),
      providerType,
    })
  })

  test('a null error, or a message beside choices, is no error', async () => {
    const chunks = [
      { ...chunk({ content: 'Hello' }), error: null },
      { ...stop, message: 'all well' },
    ]
    expect(await messageOf(chunks)).toMatchObject({ content: 'Hello' })
  })

  test('an error in the place of padding is not missed by the speculation', async () => {
    const quiet = ['a', 'b', 'c', 'd'].map((content) => ({ ...chunk({ content }), error: '' }))
    expect(await messageOf([...quiet, stop])).toMatchObject({ content: 'abcd' })
    await expect(messageOf([...quiet, { ...chunk({ content: 'e' }), error: 'boom' }, stop])).rejects.toMatchObject({ code: 'wire' })
  })

  test('a whole response without a finish reason is complete', async () => {
    const body = JSON.stringify({ choices: [{ message: { role: 'assistant', content: 'Hello' } }] })
    expect(await serving(body).invoke('Hi')).toEqual({ role: 'assistant', content: 'Hello' })
  })
})

describe('OpenAIDecoder: tool calls', () => {
  const cases: Readonly<Record<string, readonly Json[]>> = {
    'by index, the id and the name once': [
      calling(weather('1', '', { index: 0 })),
      calling(call('{"city":', { index: 0 })),
      calling(weather('2', '', { index: 1 })),
      calling(call('"Paris"}', { index: 0 }), call('{"city":"Rome"}', { index: 1 })),
    ],
    'whole, in one chunk': [calling(weather('1', '{"city":"Paris"}', { index: 0 }), weather('2', '{"city":"Rome"}', { index: 1 }))],
    'without an index, each whole': [calling(weather('1', '{"city":"Paris"}')), calling(weather('2', '{"city":"Rome"}'))],
    'without an index, in pieces': [
      calling(weather('1', '{"city":')),
      calling(call('"Paris"}')),
      calling(weather('2', null)),
      calling(call('{"city":"Rome"}', { index: null })),
    ],
    'without an index, the id again': [
      calling(weather('1', '{"city":'), weather('2', '{"city":')),
      calling(call('"Paris"}', { id: '1' }), call('"Rome"}', { id: '2' })),
    ],
    'the id and the name again': [
      calling(weather('1', '{"city":', { index: 0 })),
      calling(weather('1', '"Paris"}', { index: 0 })),
      calling(weather('2', '{"city":"Rome"}', { index: 1 })),
      calling(weather('2', null, { index: 1 })),
    ],
    'all numbered 0': [calling(weather('1', '{"city":"Paris"}', { index: 0 })), calling(weather('2', '{"city":"Rome"}', { index: 0 }))],
    'arguments as an object': [calling(weather('1', { city: 'Paris' })), calling(weather('2', { city: 'Rome' }))],
  }

  test.each(Object.entries(cases))('%s', async (_, chunks) => {
    expect((await messageOf([...chunks, stop])).toolCalls).toEqual([
      { id: '1', name: 'weather', args: { city: 'Paris' } },
      { id: '2', name: 'weather', args: { city: 'Rome' } },
    ])
  })

  test('a new id in each piece, as old vLLM sends it, starts no new call', async () => {
    const pieces = [calling(weather('1', '{"city":', { index: 0 })), calling(call('"Paris"}', { index: 0, id: '7' }))]
    expect((await messageOf([...pieces, stop])).toolCalls).toEqual([{ id: expect.any(String), name: 'weather', args: { city: 'Paris' } }])
  })

  test('calls without ids are separated by their names', async () => {
    expect((await messageOf([calling(weather(undefined, '{}')), calling(weather(undefined, null)), stop])).toolCalls).toHaveLength(2)
  })
})

describe('OpenAIDecoder: random responses', () => {
  const words = fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 6 })
  const response = fc.record(
    {
      text: words,
      reasoning: words,
      toolCalls: fc.uniqueArray(fc.record({ id: fc.uuid(), name: fc.constantFrom('weather', 'now'), args: fc.jsonValue() }), {
        maxLength: 3,
        selector: ({ id }) => id,
      }),
      usage: fc.record({ inputTokens: fc.nat(), outputTokens: fc.nat(), cacheReadTokens: fc.nat() }, { requiredKeys: [] }),
    },
    { requiredKeys: ['text'] },
  )

  test('a stream cut anywhere and the whole response give the same message', async () => {
    await fc.assert(
      fc.asyncProperty(response, fc.integer({ min: 1, max: 400 }), async (answer, split) => {
        const fetch = faultyFetch([{ body: openaiSse(answer), split }, { body: JSON.stringify(openaiJson(answer)) }])
        const model = new ChatOpenAI({ apiKey: 'none', fetch, dangerouslyAllowBrowser: true })
        const run = model.stream('Hi')
        await run.drain()
        expect(await run.outcome).toMatchObject({ output: await model.invoke('Hi') })
      }),
      { numRuns: 50 },
    )
  })

  test('extractText() returns the text that decode() returns, or undefined', () => {
    const or = (...values: unknown[]) => fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, fc.constantFrom(null, ...values))
    const words = fc.option(fc.constantFrom('', 'Hello'), { nil: undefined })
    const saying = fc.record({
      role: or('assistant'),
      content: words,
      refusal: or('No', ''),
      reasoning_content: or('Hm', ''),
      reasoning: or('Hm'),
      reasoning_details: or([{ text: 'Hm' }], []),
      tool_calls: or([], [{ index: 0, id: '1', function: { name: 'now' } }]),
    })
    const choice = fc.record({
      index: or(0, 1),
      delta: fc.oneof({ weight: 4, arbitrary: saying }, or({})),
      message: fc.oneof({ weight: 8, arbitrary: or() }, saying),
      text: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, words),
      finish_reason: or('stop'),
    })
    const event = fc.record({
      id: or('1', '2', ''),
      model: or('gpt', 'gpt-2'),
      choices: fc.oneof({ weight: 8, arbitrary: fc.array(choice, { minLength: 1, maxLength: 2 }) }, or([])),
      usage: or({ prompt_tokens: 1 }),
      x_groq: or({ id: '1' }, { usage: { prompt_tokens: 1 } }, { error: 'No' }),
      error: or('No', { message: 'No' }, ''),
    })
    let short = 0
    fc.assert(
      fc.property(fc.array(event, { maxLength: 4 }), event, (before, event) => {
        const decoder = new OpenAIDecoder()
        for (const event of before) decoder.decode(event)
        const text = decoder.extractText(event)
        const isComplete = decoder.complete
        const deltas = decoder.decode(event)
        if (text === undefined) return
        short++
        expect(reportedError(event)).toBeUndefined()
        expect(deltas).toEqual(text ? [{ type: 'text', text }] : [])
        expect(decoder.complete).toBe(isComplete)
      }),
      { numRuns: 5_000 },
    )
    expect(short).toBeGreaterThan(50)
  })

  test('random padding does not change the message', async () => {
    const letters = fc.stringMatching(/^[\w+/=-]{0,12}$/)
    const texts = fc.array(fc.tuple(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('1', '2', '"}', 'obfuscation')), letters))
    await fc.assert(
      fc.asyncProperty(texts, async (texts) => {
        const chunks = texts.map(([content, obfuscation]) => ({ ...chunk({ content }), usage: null, obfuscation }))
        expect((await messageOf([...chunks, stop])).content).toBe(texts.map(([content]) => content).join(''))
      }),
    )
  })
})
