import type { AssistantMessage, Delta, Message, ToolCall } from 'chaintap'
import { ChatOpenAI, type ChatOpenAIOptions } from 'chaintap/openai'
import { faultyFetch } from 'chaintap/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OpenAIDecoder } from '../../../src/models/chat-completions/decoder.ts'

type Json = Readonly<Record<string, unknown>>

const options: ChatOpenAIOptions = { apiKey: 'none', baseURL: 'https://llm.example/v1', maxRetries: 0, dangerouslyAllowBrowser: true }
const chunk = (delta: Json, finish_reason: string | null = null): Json => ({
  id: 'c',
  model: 'm',
  choices: [{ index: 0, delta, finish_reason }],
})
const calling = (...tool_calls: readonly Json[]): Json => chunk({ tool_calls })
const call = (name: string | null, args: unknown, rest: Json = {}): Json => ({ function: { name, arguments: args }, ...rest })
const end = chunk({}, 'tool_calls')

async function streamed(chunks: readonly Json[], input: readonly Message[] = [{ role: 'user', content: 'Hi' }]): Promise<AssistantMessage> {
  const body = [...chunks.map((each) => JSON.stringify(each)), '[DONE]'].map((data) => `data: ${data}\n\n`).join('')
  return new ChatOpenAI({ ...options, streaming: true, fetch: faultyFetch({ body }) }).invoke(input)
}

const whole = (message: Json, finish_reason = 'tool_calls'): Promise<AssistantMessage> =>
  new ChatOpenAI({
    ...options,
    fetch: faultyFetch({ body: JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, message, finish_reason }] }) }),
  }).invoke('Hi')

const withoutIds = ({ toolCalls = [] }: AssistantMessage) => toolCalls.map(({ id: _id, ...rest }) => rest)
const idsOf = ({ toolCalls = [] }: AssistantMessage): readonly string[] => toolCalls.map(({ id }) => id)
const oslo = { name: 'weather', args: { city: 'Oslo' } }
const rome = { name: 'time', args: { city: 'Rome' } }
const osloText = JSON.stringify(oslo.args)
const romeText = JSON.stringify(rome.args)

describe('parallel tool calls in a stream', () => {
  const dialects: Readonly<Record<string, readonly Json[]>> = {
    'all numbered 0, without ids': [calling(call('weather', osloText, { index: 0 })), calling(call('time', romeText, { index: 0 }))],
    'all numbered 0, with empty ids, in one chunk': [
      calling(call('weather', osloText, { index: 0, id: '' }), call('time', romeText, { index: 0, id: '' })),
    ],
    'all numbered 0, in pieces': [
      calling(call('weather', '', { index: 0 })),
      calling(call(null, '{"city":', { index: 0 })),
      calling(call(null, '"Oslo"}', { index: 0 })),
      calling(call('time', '', { index: 0 })),
      calling(call(null, romeText, { index: 0 })),
    ],
    'without ids and indexes': [calling(call('weather', osloText)), calling(call('time', romeText))],
    'with null for ids and indexes, in one chunk': [
      calling(call('weather', osloText, { index: null, id: null }), call('time', romeText, { index: null, id: null })),
    ],
    'with one id for both': [
      calling(call('weather', '', { index: 0, id: 'x' })),
      calling(call(null, osloText, { index: 0, id: 'x' })),
      calling(call('time', '', { index: 1, id: 'x' })),
      calling(call(null, romeText, { index: 1, id: 'x' })),
    ],
    'with one id and one index for both': [
      calling(call('weather', osloText, { index: 0, id: 'x' })),
      calling(call('time', romeText, { index: 0, id: 'x' })),
    ],
    'as an object of calls': [chunk({ tool_calls: { 0: call('weather', osloText), 1: call('time', romeText) } })],
    'as one call, not a list': [chunk({ tool_calls: call('weather', osloText) }), chunk({ tool_calls: call('time', romeText) })],
    'with arguments as objects': [calling(call('weather', oslo.args, { index: 0 })), calling(call('time', rome.args, { index: 1 }))],
    'with the function’s fields in the call': [
      calling({ name: 'weather', arguments: oslo.args }),
      calling({ name: 'time', arguments: rome.args }),
    ],
    'with null entries': [
      chunk({ tool_calls: [null, call('weather', osloText, { index: 0 })] }),
      calling(call('time', romeText, { index: 1 })),
    ],
    'numbered with strings, in turns': [
      calling(call('weather', '', { index: '0', id: 'a' })),
      calling(call('time', '', { index: '1', id: 'b' })),
      calling(call(null, osloText, { index: '0' })),
      calling(call(null, romeText, { index: '1' })),
    ],
    'with numbers as ids': [calling(call('weather', osloText, { id: 7 })), calling(call('time', romeText, { id: 8 }))],
  }

  test.each(Object.entries(dialects))('%s', async (_, chunks) => {
    const message = await streamed([...chunks, end])
    expect(withoutIds(message)).toEqual([oslo, rome])
    expect(new Set(idsOf(message)).size).toBe(2)
    expect(idsOf(message)).not.toContain('')
  })

  test('of a choice that is numbered with a string', async () => {
    const chunks = [calling(call('weather', osloText)), end].map(({ choices, ...rest }) => ({
      ...rest,
      choices: (choices as readonly Json[]).map((choice) => ({ ...choice, index: '0' })),
    }))
    expect(withoutIds(await streamed(chunks))).toEqual([oslo])
  })

  test('of one tool are two calls if their arguments differ', async () => {
    const calls = ['Oslo', 'Rome', 'Bern'].map((city) => calling(call('weather', JSON.stringify({ city }), { index: 0, id: '' })))
    expect(withoutIds(await streamed([...calls, end])).map(({ args }) => args)).toEqual([
      { city: 'Oslo' },
      { city: 'Rome' },
      { city: 'Bern' },
    ])
  })

  test('whose name comes with each piece are one call', async () => {
    for (const rest of [{ index: 0 }, { id: 'x' }, { index: 0, id: 'x' }, { index: 0, id: '' }, {}, { index: null, id: null }]) {
      for (const texts of [
        ['{"ci', 'ty":', '"Oslo"}'],
        ['', osloText],
        ['{}', osloText],
        ['', '{"city":', '"Oslo"}'],
        ['{}', '{}', osloText],
      ]) {
        const pieces = texts.map((args) => call('weather', args, rest))
        expect(withoutIds(await streamed([...pieces.map((piece) => calling(piece)), end]))).toEqual([oslo])
        const legacy = pieces.map((piece) => chunk({ function_call: piece.function }))
        expect(withoutIds(await streamed([...legacy, chunk({}, 'function_call')]))).toEqual([oslo])
      }
    }
    const twice = [...['{"city":', '"Oslo"}', ''].map((args) => call('weather', args)), call('weather', romeText)]
    expect(withoutIds(await streamed([...twice.map((piece) => calling(piece)), end]))).toEqual([oslo, { ...oslo, args: rome.args }])
  })
})

describe('arguments that are sent twice', () => {
  const first = { index: 0, id: 'a' }
  const cases: Readonly<Record<string, readonly Json[]>> = {
    '{} first': [call('weather', '{}', first), call(null, '{"city":', { index: 0 }), call(null, '"Oslo"}', { index: 0 })],
    '{ } first': [call('weather', '{ }\n', first), call(null, osloText, { index: 0 })],
    'null first': [call('weather', 'null', first), call(null, osloText, { index: 0 })],
    'an empty object first': [call('weather', {}, first), call(null, osloText, { index: 0 })],
    'whole again at the end': [call('weather', '', first), call(null, osloText, { index: 0 }), call('weather', osloText, first)],
    'whole again, with other white space': [
      call('weather', '{"city": ', first),
      call(null, '"Oslo"}', { index: 0 }),
      call('weather', osloText, first),
    ],
    'whole again, as an object': [call('weather', osloText, first), call('weather', oslo.args, first)],
    'whole again without a name, twice': [
      call('weather', osloText, first),
      call(null, osloText, { index: 0 }),
      call(null, osloText, { index: 0 }),
    ],
    '{} first and whole again at the end': [
      call('weather', '{}', first),
      call(null, osloText, { index: 0 }),
      call(null, osloText, { index: 0 }),
    ],
  }
  test.each(Object.entries(cases))('%s', async (_, pieces) => {
    expect(await streamed([...pieces.map((piece) => calling(piece)), end])).toMatchObject({ toolCalls: [{ id: 'a', ...oslo }] })
  })

  test.each(['{}', '{ }', 'null', {}])('are not complete with %o, if the response was cut after it', async (args) => {
    const cut = { id: 'a', name: 'weather', args: '', isInvalid: true }
    for (const reason of ['length', 'content_filter']) {
      expect((await streamed([calling(call('weather', args, first)), chunk({}, reason)])).toolCalls).toEqual([cut])
      expect((await whole({ tool_calls: [call('weather', args, { id: 'a' })] }, reason)).toolCalls).toEqual([cut])
      const calls = [calling(call('time', '{}', { index: 0, id: 'b' })), calling(call('weather', args, { index: 1, id: 'a' }))]
      expect((await streamed([...calls, chunk({}, reason)])).toolCalls).toEqual([{ id: 'b', name: 'time', args: {} }, cut])
    }
    expect(withoutIds(await streamed([calling(call('weather', args, first)), end]))).toEqual([{ name: 'weather', args: {} }])
  })

  test('are not confused with strings that look like them', async () => {
    const args = { text: '{}{"city":"Oslo"}{}', more: ['}', '{', '}{'] }
    const pieces = Array.from(JSON.stringify(args), (character) => calling(call(null, character, { index: 0 })))
    expect(withoutIds(await streamed([calling(call('weather', '', first)), ...pieces, end]))).toEqual([{ name: 'weather', args }])
  })

  test('and differ are invalid', async () => {
    const pieces = [call('weather', osloText, first), call(null, romeText, { index: 0 })]
    expect(withoutIds(await streamed([...pieces.map((piece) => calling(piece)), end]))).toEqual([
      { name: 'weather', args: osloText + romeText, isInvalid: true },
    ])
  })

  test('are compared in linear time', () => {
    const decoder = new OpenAIDecoder()
    const decode = (args: string, name: string | null): readonly Delta[] => decoder.decode(calling(call(name, args, { index: 0 })))
    decode('{"text":"', 'weather')
    const parse = JSON.parse
    let parsed = 0
    JSON.parse = (text: string) => {
      parsed += text.length
      return parse(text) as unknown
    }
    try {
      for (let i = 0; i < 5_000; i++) decode('{"a":1}', i % 2 ? 'weather' : null)
    } finally {
      JSON.parse = parse
    }
    expect(parsed).toBeLessThan(20 * 7 * 5_000)
  })
})

describe('the list of a whole message', () => {
  const rests: Readonly<Record<string, readonly [Json, Json]>> = {
    'all numbered 0': [{ index: 0 }, { index: 0 }],
    'all numbered "0", with one id': [
      { index: '0', id: 'x' },
      { index: '0', id: 'x' },
    ],
    'numbered 1 and 0': [{ index: 1 }, { index: 0 }],
    'without ids': [{}, {}],
  }
  test.each(Object.entries(rests))('has as many calls as items: %s', async (_, [first, second]) => {
    for (const [a, b] of [[{}, oslo.args] as const, [oslo.args, {}] as const, [oslo.args, oslo.args] as const, [{}, {}] as const]) {
      const tool_calls = [call('weather', JSON.stringify(a), first), call('weather', JSON.stringify(b), second)]
      const right = [a, b].map((args) => ({ name: 'weather', args }))
      expect(withoutIds(await whole({ tool_calls }))).toEqual(right)
      const inStream = { id: 'c', choices: [{ index: 0, message: { tool_calls }, finish_reason: 'tool_calls' }] }
      expect(withoutIds(await streamed([inStream]))).toEqual(right)
      expect(withoutIds(await streamed([inStream, inStream]))).toEqual(right)
    }
  })
})

describe('a message after deltas', () => {
  const first = call('weather', osloText, { index: 0, id: 'a' })
  const tool_calls = [call('weather', osloText, { id: 'a' }), call('time', romeText, { id: 'b' })]

  test('adds the calls that no delta had', async () => {
    for (const delta of [first, call('weather', osloText), call('weather', osloText, { index: 1, id: 'a' })]) {
      const last = { id: 'c', choices: [{ index: 0, message: { tool_calls }, finish_reason: 'tool_calls' }] }
      expect(withoutIds(await streamed([calling(delta), last]))).toEqual([oslo, rome])
      expect(withoutIds(await streamed([calling(delta), last, last]))).toEqual([oslo, rome])
    }
  })
})

describe('parameters instead of arguments', () => {
  test('are the arguments', async () => {
    const piece = { index: 0, id: 'a', function: { name: 'weather', parameters: oslo.args } }
    expect((await streamed([calling(piece), end])).toolCalls).toEqual([{ id: 'a', ...oslo }])
    expect((await whole({ tool_calls: [piece] })).toolCalls).toEqual([{ id: 'a', ...oslo }])
    expect(withoutIds(await whole({ tool_calls: [{ name: 'weather', parameters: osloText }] }))).toEqual([oslo])
  })
})

describe('custom tools of OpenAI', () => {
  const custom = (input: unknown, rest: Json = {}): Json => ({ index: 0, type: 'custom', custom: { name: 'sql', input }, ...rest })
  const input = 'select "a"\n\\ 🌍'

  test('are called with their text, streamed and whole', async () => {
    const right = [{ id: 'i1', name: 'sql', args: input }]
    expect((await whole({ content: null, tool_calls: [custom(input, { id: 'i1' })] })).toolCalls).toEqual(right)
    const pieces = Array.from({ length: input.length }, (_, at) => calling({ index: 0, custom: { input: input[at] } }))
    expect((await streamed([calling(custom('', { id: 'i1' })), ...pieces, end])).toolCalls).toEqual(right)
    expect((await streamed([calling(custom('', { id: 'i1' })), end])).toolCalls).toEqual([{ id: 'i1', name: 'sql', args: '' }])
  })

  test('are not called with text that was cut', async () => {
    const cut = await streamed([calling(custom('delete from a', { id: 'i1' })), chunk({}, 'length')])
    expect(cut.toolCalls).toMatchObject([{ id: 'i1', name: 'sql', isInvalid: true }])
  })
})

describe('function_call, OpenAI’s first format', () => {
  test('is a tool call, streamed and whole', async () => {
    const function_call = { name: 'weather', arguments: osloText }
    expect(withoutIds(await whole({ content: null, function_call }, 'function_call'))).toEqual([oslo])
    const pieces = [chunk({ function_call: { name: 'weather', arguments: '' } }), chunk({ function_call: { arguments: osloText } })]
    expect(withoutIds(await streamed([...pieces, chunk({}, 'function_call')]))).toEqual([oslo])
    expect(withoutIds(await whole({ function_call, tool_calls: [call('time', romeText, { id: 'a' })] }))).toEqual([rome])
  })
})

describe('ids of tool calls', () => {
  test('are unique in the conversation', async () => {
    const input: Message[] = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: '', toolCalls: [{ id: 'call_0', name: 'weather', args: {} }] },
      { role: 'tool', content: 'x', toolCallId: 'call_0' },
    ]
    const calls = [call('weather', osloText, { index: 0, id: 'call_0' }), call('weather', romeText, { index: 1, id: 'call_1' })]
    const [first, second] = idsOf(await streamed([calling(...calls), end], input))
    expect(first).toMatch(/^call_\w{30,34}$/)
    expect(second).toBe('call_1')
  })

  test('of a whole response without ids are made', async () => {
    const message = await whole({ tool_calls: [call('weather', osloText, { id: '' }), call('weather', osloText)] })
    expect(withoutIds(message)).toEqual([oslo, oslo])
    expect(new Set(idsOf(message)).size).toBe(2)
  })
})

describe('what a server expects back', () => {
  test('a signature of a call is an extra field of it', async () => {
    const extra_content = { google: { thought_signature: 'SIGNED' } }
    const right = [{ id: 'a', ...oslo, extra: { extra_content } }]
    expect((await whole({ tool_calls: [call('weather', osloText, { id: 'a', extra_content })] })).toolCalls).toEqual(right)
    expect((await streamed([calling(call('weather', osloText, { index: 0, id: 'a', extra_content })), end])).toolCalls).toEqual(right)
    const late = [calling(call('weather', osloText, { index: 0, id: 'a' })), calling({ index: 0, extra_content }), end]
    expect((await streamed(late)).toolCalls).toEqual(right)
  })

  test('reasoning details are joined, and kept with calls only', async () => {
    const details = [
      { type: 'reasoning.text', text: 'Let ', index: 0, format: 'anthropic-claude-v1', signature: null },
      { type: 'reasoning.text', text: 'me', index: 0 },
      { type: 'reasoning.text', signature: 'SIGNED', index: 0 },
      { type: 'reasoning.encrypted', data: 'A', index: 1 },
      { type: 'reasoning.encrypted', data: 'B', index: 1 },
    ]
    const pieces = details.map((detail) => chunk({ reasoning: detail.text ?? null, reasoning_details: [detail] }))
    const message = await streamed([...pieces, calling(call('weather', osloText, { id: 'a' })), end])
    expect(message.extra).toEqual({
      reasoning_details: [
        { type: 'reasoning.text', text: 'Let me', index: 0, format: 'anthropic-claude-v1', signature: 'SIGNED' },
        { type: 'reasoning.encrypted', data: 'A', index: 1 },
        { type: 'reasoning.encrypted', data: 'B', index: 1 },
      ],
    })
    expect((await streamed([...pieces, chunk({}, 'stop')])).extra).toBeUndefined()
  })

  test('the field of the reasoning is noted, with calls only', async () => {
    const tool_calls = [call('weather', osloText, { id: 'a' })]
    expect((await whole({ reasoning_content: 'Hm', tool_calls })).extra).toEqual({ reasoning_field: 'reasoning_content' })
    expect((await whole({ reasoning: 'Hm', tool_calls })).extra).toBeUndefined()
    expect((await whole({ reasoning_content: 'Hm', content: 'Hi' }, 'stop')).extra).toBeUndefined()
  })
})

describe('random tool calls', () => {
  // JSON has no -0.
  const args = fc
    .dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 2 }), { minKeys: 1, maxKeys: 3 })
    .map((value) => JSON.parse(JSON.stringify(value)) as typeof value)
  const calls = fc.uniqueArray(fc.record({ name: fc.constantFrom('weather', 'time'), args }), {
    minLength: 1,
    maxLength: 4,
    selector: ({ args }) => JSON.stringify(args),
  })
  const dialect = fc.record({
    ids: fc.constantFrom('unique', 'none', 'empty', 'one', 'once'),
    indexes: fc.constantFrom('rising', 'zero', 'none'),
    restarts: fc.constantFrom('', 'empty object', 'whole again'),
    size: fc.integer({ min: 1, max: 12 }),
  })
  type Dialect = typeof dialect extends fc.Arbitrary<infer D> ? D : never

  /** Cuts text between characters, so that no surrogate pair is cut. */
  const cut = (text: string, size: number): readonly string[] => text.match(new RegExp(`[^]{1,${size}}`, 'gu')) ?? []

  function piecesOf(
    { name, args }: Pick<ToolCall, 'name' | 'args'>,
    at: number,
    { ids, indexes, restarts, size }: Dialect,
  ): readonly Json[] {
    const index = indexes === 'none' ? {} : { index: indexes === 'zero' ? 0 : at }
    const id = { unique: { id: `id${at}` }, none: {}, empty: { id: '' }, one: { id: 'id' }, once: { id: `id${at}` } }[ids]
    const later = { ...index, ...(ids === 'once' ? {} : id) }
    const json = JSON.stringify(args)
    return [
      call(name, restarts === 'empty object' ? '{}' : '', { ...index, ...id }),
      ...cut(json, size).map((piece) => call(null, piece, later)),
      ...(restarts === 'whole again' ? [call(null, json, later)] : []),
    ]
  }

  test('are decoded whatever ids and indexes a server sends', async () => {
    await fc.assert(
      fc.asyncProperty(calls, dialect, async (made, how) => {
        const chunks = made.flatMap((each, at) => piecesOf(each, at, how)).map((piece) => calling(piece))
        const message = await streamed([...chunks, end])
        expect(withoutIds(message)).toEqual(made)
        expect(new Set(idsOf(message)).size).toBe(made.length)
      }),
      { numRuns: 300 },
    )
  })
})
