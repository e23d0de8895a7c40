import { type AssistantMessage, TruncatedError } from 'chaintap'
import { faultyFetch, openaiJson, openaiSse } from 'chaintap/testing'
import { WorkersAI, type WorkersAIOptions } from 'chaintap/workers-ai'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseWorkersAIError, WorkersAIDecoder } from '../../../src/models/workers-ai/wire.ts'
import { wireContract } from '../../contracts/wire.ts'
import { readAll } from '../../support/sources.ts'
import { bindingOver, workersAIJson, workersAISse } from '../../support/workers-ai.ts'

const refusal = (code: string, message: string) => {
  const body = JSON.stringify({ errors: [{ code, message }], success: false })
  return { body, event: `data: ${body}\n\n` }
}

wireContract('WorkersAI, a model in its own format', {
  make: ({ fetch, ...options }) => new WorkersAI({ binding: bindingOver(fetch), ...options }),
  fixtures: ['workersai-native.sse'],
  sse: workersAISse,
  json: workersAIJson,
  refusal,
  endless: 'data: {"response":"',
  isBound: true,
  isTerse: true,
})

wireContract('WorkersAI, a model in OpenAI’s format', {
  make: ({ fetch, ...options }) => new WorkersAI({ binding: bindingOver(fetch), ...options }),
  fixtures: ['openai-chat-usage.sse', 'openai-chat-error-midstream.sse'],
  sse: openaiSse,
  json: openaiJson,
  refusal,
  endless: 'data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"',
  isBound: true,
})

type Json = Readonly<Record<string, unknown>>

const model = (body: string | readonly string[], options: Partial<WorkersAIOptions> = {}): WorkersAI =>
  new WorkersAI({ binding: bindingOver(faultyFetch({ body })), ...options })

/** The message of these events, followed by [DONE]. */
const messageOf = (...events: readonly Json[]): Promise<AssistantMessage> =>
  model(
    [...events.map((event) => JSON.stringify(event)), '[DONE]'].map((data) => `data: ${data}\n\n`),
    { streaming: true },
  ).invoke('Hi')

describe('WorkersAIDecoder', () => {
  test('[DONE] or a finish reason is the end; without both the response is truncated', async () => {
    const events = [`data: {"response":"Hel","p":"ab"}\n\n`, `data: {"response":"lo"}\n\n`]
    const run = model(events).stream('Hi')
    const { chunks, error } = await readAll(run)
    expect(chunks).toEqual([
      { type: 'text', text: 'Hel' },
      { type: 'text', text: 'lo' },
    ])
    expect(error).toBeInstanceOf(TruncatedError)
    expect(await run.outcome).toMatchObject({ status: 'truncated', partial: { content: 'Hello' } })
    expect(await messageOf({ response: 'Hello' })).toEqual({ role: 'assistant', content: 'Hello' })
    const stopped = model([...events, `data: {"response":"","finish_reason":"length"}\n\n`], { streaming: true })
    expect(await stopped.invoke('Hi')).toMatchObject({ content: 'Hello', stopReason: 'length' })
  })

  test('keeps the last usage report, and reports none for null (P8)', async () => {
    const events = [1, 2, 3].map((n) => ({ response: `${n}`, usage: { prompt_tokens: 5, completion_tokens: n } }))
    expect((await messageOf(...events)).usage).toEqual({ inputTokens: 5, outputTokens: 3, totalTokens: 8 })
    expect(await messageOf({ response: 'Hi', usage: null })).not.toHaveProperty('usage')
  })

  test('converts numbers, and the value of JSON mode, to text', async () => {
    expect(await messageOf({ response: 4 }, { response: '' }, { response: null }, { response: 2 })).toMatchObject({ content: '42' })
    expect(await model('{"response":{"sum":42}}').invoke('Hi')).toEqual({ role: 'assistant', content: '{"sum":42}' })
  })

  const [paris, rome] = [{ city: 'Paris' }, { city: 'Rome' }]
  const piece = (index: number, rest: Json): Json => ({ response: '', tool_calls: [{ index, ...rest }] })
  const calls: Readonly<Record<string, readonly Json[]>> = {
    'complete, without ids': [{ response: '', tool_calls: [paris, rome].map((args) => ({ name: 'weather', arguments: args })) }],
    'complete, one per event': [paris, rome].map((args) => ({ tool_calls: [{ name: 'weather', arguments: args }] })),
    'in OpenAI’s format': [paris, rome].map((args, i) =>
      piece(i, { id: `call_${i}`, type: 'function', function: { name: 'weather', arguments: JSON.stringify(args) } }),
    ),
    'in pieces, each call ended by an empty piece': [
      piece(0, { id: 'call_0', type: 'function', function: { name: 'weather' } }),
      piece(0, { function: { arguments: '{"city":' } }),
      piece(0, { function: { arguments: '"Paris"}' } }),
      piece(0, { id: null, type: null, function: { name: null, arguments: '' } }),
      piece(1, { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } }),
      { tool_calls: [{ id: null, name: null }] },
    ],
  }

  test.each(Object.entries(calls))('reads tool calls: %s', async (_, events) => {
    expect((await messageOf(...events)).toolCalls).toEqual([
      { id: expect.stringMatching(/^call_\w+$/), name: 'weather', args: paris },
      { id: expect.stringMatching(/^call_\w+$/), name: 'weather', args: rome },
    ])
  })

  test('reads tool calls of a whole response, and over REST', async () => {
    const answer = { response: null, tool_calls: [{ name: 'weather', arguments: paris }], usage: { prompt_tokens: 1 } }
    for (const body of [answer, { result: answer, success: true, errors: [] }]) {
      expect(await model(JSON.stringify(body)).invoke('Hi')).toEqual({
        role: 'assistant',
        content: '',
        toolCalls: [{ id: expect.stringMatching(/^call_\w+$/), name: 'weather', args: paris }],
        usage: { inputTokens: 1 },
      })
    }
  })

  test('reads OpenAI’s format, once, if a model sends both', async () => {
    const both = { response: 'Hi', choices: [{ delta: { content: 'Hi', reasoning_content: 'Hm' } }] }
    expect(await messageOf(both)).toMatchObject({
      content: [
        { type: 'reasoning', text: 'Hm' },
        { type: 'text', text: 'Hi' },
      ],
    })
    expect(await messageOf({ response: 'Hi', choices: [] })).toMatchObject({ content: 'Hi' })
  })

  test.each([
    ['the model', { internalCode: 3040, name: 'AiError', description: 'No capacity' }, '3040'],
    ['the gateway', { success: false, errors: [{ code: 2003, message: 'No capacity' }] }, '2003'],
    ['a server without codes', { errors: [{ message: 'No capacity' }] }, undefined],
    ['a model in OpenAI’s format', { error: { type: 'overloaded', message: 'No capacity' } }, 'overloaded'],
  ])('an error of %s ends the stream with a ModelError', async (_, event, providerType) => {
    await expect(messageOf({ response: 'Hel' }, event)).rejects.toMatchObject({
      code: 'wire',
      message: expect.stringContaining('"No capacity"'),
      providerType,
    })
  })

  test('a stream cut anywhere and the whole response give the same message', async () => {
    // A stream of [DONE] alone has no answer.
    const words = fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 6 })
    const call = fc.record({ id: fc.uuid(), name: fc.constantFrom('weather', 'now'), args: fc.dictionary(fc.string(), fc.jsonValue()) })
    const answer = fc.record(
      {
        text: words,
        toolCalls: fc.uniqueArray(call, { minLength: 1, maxLength: 3, selector: ({ id }) => id }),
        usage: fc.record({ inputTokens: fc.nat(), outputTokens: fc.nat(), cacheReadTokens: fc.nat() }),
      },
      { requiredKeys: ['text'] },
    )
    await fc.assert(
      fc.asyncProperty(answer, fc.integer({ min: 1, max: 200 }), async (answer, split) => {
        const fetch = faultyFetch([{ body: workersAISse(answer), split }, { body: JSON.stringify(workersAIJson(answer)) }])
        const model = new WorkersAI({ binding: bindingOver(fetch) })
        const run = model.stream('Hi')
        await run.drain()
        expect(await run.outcome).toMatchObject({ output: await model.invoke('Hi') })
      }),
      { numRuns: 50 },
    )
  })

  test('extractText() returns the text that decode() returns, or undefined', () => {
    const or = (...values: unknown[]) => fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, fc.constantFrom(null, ...values))
    const event = fc.record({
      response: fc.oneof({ weight: 4, arbitrary: fc.constantFrom('Hello', '') }, or(5, { a: 1 })),
      tool_calls: or([], [{ name: 'now', arguments: {} }]),
      usage: or({ prompt_tokens: 1 }),
      finish_reason: or('stop'),
      errors: or([], [{ code: 1, message: 'No' }]),
      internalCode: or(3040),
      choices: or([], [{ delta: { content: 'Hi' } }]),
      p: or('abc'),
    })
    let short = 0
    fc.assert(
      fc.property(event, fc.boolean(), (event, isStream) => {
        const decoder = new WorkersAIDecoder(isStream)
        const text = decoder.extractText(event)
        if (text === undefined) return
        short++
        expect(parseWorkersAIError(event)).toBeUndefined()
        expect(decoder.decode(event)).toEqual(text ? [{ type: 'text', text }] : [])
        expect(decoder.complete).toBe(false)
      }),
      { numRuns: 5_000 },
    )
    expect(short).toBeGreaterThan(50)
  })
})
