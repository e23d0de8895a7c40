import { type AssistantMessage, textOf } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { faultyFetch } from 'chaintap/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readAll } from '../../support/sources.ts'

type Json = Readonly<Record<string, unknown>>

const start = (id?: string, usage: Json = { input_tokens: 25, output_tokens: 1 }): Json => ({
  type: 'message_start',
  message: { ...(id && { id }), type: 'message', role: 'assistant', model: 'm', content: [], usage },
})
const open = (index: number, content_block: Json): Json => ({ type: 'content_block_start', index, content_block })
const tool = (id: string, input: Json = {}): Json => ({ type: 'tool_use', id, name: 'w', input })
const text = (text = ''): Json => ({ type: 'text', text })
const json = (index: number, partial_json: string): Json => ({
  type: 'content_block_delta',
  index,
  delta: { type: 'input_json_delta', partial_json },
})
const say = (index: number, text: string): Json => ({ type: 'content_block_delta', index, delta: { type: 'text_delta', text } })
const close = (index: number): Json => ({ type: 'content_block_stop', index })
const reason = (stop_reason = 'end_turn', usage: Json = { output_tokens: 3 }): Json => ({
  type: 'message_delta',
  delta: { stop_reason },
  usage,
})
const stop: Json = { type: 'message_stop' }

const modelOf = (body: string, streaming: boolean) =>
  new ChatAnthropic({ apiKey: 'none', maxRetries: 0, streaming, dangerouslyAllowBrowser: true, fetch: faultyFetch({ body }) })

async function streamed(...events: readonly (Json | string)[]) {
  const body = events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join('')
  const run = modelOf(body, true).stream('Hi')
  const { error } = await readAll(run)
  const outcome = await run.outcome
  const message = ('output' in outcome ? outcome.output : 'partial' in outcome ? outcome.partial : undefined) as
    | AssistantMessage
    | undefined
  const calls = message?.toolCalls?.map(({ id, args }) => [id, args])
  return { status: outcome.status, text: message && textOf(message), calls, message, error }
}

describe('blocks', () => {
  test.each<readonly [string, readonly Json[]]>([
    [
      'one after another, all numbered 0',
      [open(0, tool('a')), json(0, '{"x":1}'), close(0), open(0, tool('b')), json(0, '{"x":2}'), close(0)],
    ],
    ['without their ends', [open(0, tool('a')), json(0, '{"x":1}'), open(1, tool('b')), json(1, '{"x":2}')]],
    ['numbered 0, without their ends', [open(0, tool('a')), json(0, '{"x":1}'), open(0, tool('b')), json(0, '{"x":2}')]],
    [
      'side by side',
      [open(0, tool('a')), open(1, tool('b')), json(1, '{"x"'), json(0, '{"x":'), json(0, '1}'), json(1, ':2}'), close(1), close(0)],
    ],
    ['with their input at the start', [open(0, tool('a', { x: 1 })), open(1, tool('b', { x: 2 })), close(0), close(1)]],
    ['with their input at the start, without their ends', [open(0, tool('a', { x: 1 })), open(1, tool('b', { x: 2 }))]],
    [
      'beside a text',
      [open(0, tool('a')), open(1, text()), json(0, '{"x":1}'), say(1, 'Hi'), close(1), close(0), open(2, tool('b', { x: 2 })), close(2)],
    ],
  ])('%s', async (_, blocks) => {
    const { calls, status } = await streamed(start('1'), ...blocks, reason('tool_use'), stop)
    expect({ status, calls }).toEqual({
      status: 'complete',
      calls: [
        ['a', { x: 1 }],
        ['b', { x: 2 }],
      ],
    })
  })

  const unnumbered = (partial_json: string): Json => ({ ...json(0, partial_json), index: undefined })
  const [a, b] = [open(0, tool('a')), open(1, tool('b'))]

  test.each<readonly [string, readonly Json[], readonly unknown[] | 'invalid']>([
    ['numbered from 1, input from 0', [open(1, tool('a')), json(0, '{"x"'), json(0, ':1}'), close(1)], [{ x: 1 }]],
    ['numbered from 0, input from 1', [a, json(1, '{"x":1}'), close(0)], [{ x: 1 }]],
    ['after a text, input as its', [open(0, text()), say(0, 'Hi'), close(0), b, json(0, '{"x":1}'), close(1)], [{ x: 1 }]],
    ['input from 1, without ends', [a, json(1, '{"x":1}'), b, json(2, '{"x":2}')], [{ x: 1 }, { x: 2 }]],
    ['input from 0, without ends', [b, json(0, '{"x":1}'), open(2, tool('b')), json(1, '{"x":2}')], [{ x: 1 }, { x: 2 }]],
    ['no index of input', [a, unnumbered('{"x":1}'), close(0), b, unnumbered('{"x"'), unnumbered(':2}'), close(1)], [{ x: 1 }, { x: 2 }]],
    ['no index of input, without ends', [a, unnumbered('{"x":1}'), b, unnumbered('{"x":2}')], [{ x: 1 }, { x: 2 }]],
    ['the first with input at its start', [open(0, tool('a', { x: 1 })), b, unnumbered('{"x":2}')], [{ x: 1 }, { x: 2 }]],
    ['the first with empty input', [a, json(0, '{}'), b, json(2, '{"x":2}')], [{}, { x: 2 }]],
    ['no index of input, side by side', [a, b, unnumbered('{"x":1}'), unnumbered('{"x":2}')], 'invalid'],
    ['no index of input, side by side, one input', [a, b, unnumbered('{"x":1}'), close(0), close(1)], 'invalid'],
    ['input from 1, side by side', [a, b, json(1, '{"x":1}'), json(2, '{"x":2}'), close(0), close(1)], 'invalid'],
    ['input from 2, side by side', [a, b, json(2, '{"x":1}'), json(3, '{"x":2}'), close(0), close(1)], 'invalid'],
  ])('input whose index fits no block belongs to the last open one, or is invalid: %s', async (_, blocks, expected) => {
    const { status, message } = await streamed(start('1'), ...blocks, reason('tool_use'), stop)
    expect(status).toBe('complete')
    const calls = message?.toolCalls ?? []
    if (Array.isArray(expected)) expect(calls.map(({ args, isInvalid }) => isInvalid ?? args)).toEqual(expected)
    else expect(calls.map(({ isInvalid }) => isInvalid)).toEqual([true, true])
  })

  test('input without a tool call that is open fails the run', async () => {
    for (const blocks of [[json(0, '{"x":1}')], [a, close(0), json(0, '{"x":1}')], [open(0, text()), json(0, '{"x":1}')]])
      expect(await streamed(start('1'), ...blocks, reason('tool_use'), stop)).toMatchObject({ status: 'failed', error: { code: 'wire' } })
  })

  test('in any order of their events have their own input', async () => {
    const count = fc.integer({ min: 1, max: 4 })
    const inputs = fc.array(fc.tuple(fc.jsonValue({ maxDepth: 1 }), count), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(inputs, fc.infiniteStream(fc.nat()), async (inputs, random) => {
        const queues = inputs.map(([value, pieces], index) => {
          const whole = JSON.stringify({ value })
          const size = Math.ceil(whole.length / pieces)
          const parts = Array.from({ length: pieces }, (_, i) => json(index, whole.slice(i * size, (i + 1) * size)))
          return [...parts, close(index)]
        })
        const events: Json[] = inputs.map((_, index) => open(index, tool(`${index}`)))
        while (queues.some(({ length }) => length > 0)) events.push(...(queues[random.next().value % queues.length] ?? []).splice(0, 1))
        const { calls } = await streamed(start('1'), ...events, reason('tool_use'), stop)
        expect(calls).toEqual(inputs.map(([value], index) => [`${index}`, JSON.parse(JSON.stringify({ value }))]))
      }),
      { numRuns: 50 },
    )
  })

  test('whose first delta repeats the text of the start have it once (MiniMax)', async () => {
    const blocks = [open(0, text('Hel')), say(0, 'Hel'), say(0, 'lo'), say(0, 'lo'), close(0)]
    expect(await streamed(start('1'), ...blocks, reason(), stop)).toMatchObject({ status: 'complete', text: 'Hellolo' })
    const other = [open(0, text('Hel')), say(0, 'lo'), close(0), open(1, text()), say(1, 'Hel'), close(1)]
    expect(await streamed(start('1'), ...other, reason(), stop)).toMatchObject({ text: 'HelloHel' })
  })

  test.each(['message', 'content_block', 'delta', 'usage', 'index', 'text', 'citations', 'input'])('null as %s is nothing', async (key) => {
    const nulled = [start('1'), open(0, text()), say(0, 'Hi'), close(0)].map((event) => ({ ...event, [key]: null }))
    const { error } = await streamed(...nulled, start('1'), open(1, { ...text(), [key]: null }), say(1, 'Hi'), close(1), reason(), stop)
    expect(error).toBeUndefined()
  })
})

describe('message_start', () => {
  test('may be repeated', async () => {
    const events = [start('1'), start('1'), open(0, text()), say(0, 'Hel'), start('1'), say(0, 'lo'), close(0), reason(), stop]
    expect(await streamed(...events)).toMatchObject({ status: 'complete', text: 'Hello', message: { id: '1' } })
  })

  test('of another message before any content replaces the first', async () => {
    expect(await streamed(start('1'), start('2'), open(0, text()), say(0, 'Hi'), close(0), reason(), stop)).toMatchObject({
      status: 'complete',
      message: { id: '2', content: 'Hi' },
    })
  })

  test('of another message after content fails: the two are not merged (vercel/ai#18331)', async () => {
    const events = [start('1'), open(0, tool('a')), json(0, '{"x":"Spark'), start('2'), open(0, tool('b')), json(0, '{"x":1}'), close(0)]
    const { status, error } = await streamed(...events, reason('tool_use'), stop)
    expect(status).toBe('failed')
    expect(error).toMatchObject({ code: 'wire', message: expect.stringContaining('message_start of another message') })
  })
})

describe('content in message_start', () => {
  const startOf = (content: unknown): Json => ({ type: 'message_start', message: { id: '1', role: 'assistant', content } })

  test.each<readonly [string, unknown, Json]>([
    ['a text', 'Hi', { text: 'Hi' }],
    ['a list of texts', [text('H'), text('i')], { text: 'Hi' }],
    ['a tool call', [tool('a', { x: 1 })], { calls: [['a', { x: 1 }]] }],
    ['a text and a tool call', [text('Hi'), tool('a', { x: 1 })], { text: 'Hi', calls: [['a', { x: 1 }]] }],
  ])('is the answer if no block follows: %s', async (_, content, expected) => {
    for (const end of [[reason('tool_use'), stop], [reason('tool_use')], [stop], ['[DONE]'], [reason('end_turn'), stop, '[DONE]']])
      expect(await streamed(startOf(content), ...end)).toMatchObject({ status: 'complete', ...expected })
  })

  test('is not repeated if blocks follow', async () => {
    for (const blocks of [
      [open(0, text()), say(0, 'Hi'), close(0)],
      [open(0, text('Hi')), close(0)],
    ])
      expect(await streamed(startOf('Hi'), ...blocks, reason(), stop)).toMatchObject({ status: 'complete', text: 'Hi' })
  })
})

describe('a delta without a type', () => {
  const untyped = (delta: Json): Json => ({ type: 'content_block_delta', index: 0, delta })

  test('has the type that its field tells', async () => {
    const texts = [open(0, text()), untyped({ text: 'H' }), untyped({ text: 'i' }), close(0)]
    expect(await streamed(start('1'), ...texts, reason(), stop)).toMatchObject({ status: 'complete', text: 'Hi' })
    expect(await streamed(start('1'), untyped({ text: 'Hi' }), reason(), stop)).toMatchObject({ status: 'complete', text: 'Hi' })
    const input = [open(0, tool('a')), untyped({ partial_json: '{"x":' }), untyped({ partial_json: '1}' }), close(0)]
    expect(await streamed(start('1'), ...input, reason('tool_use'), stop)).toMatchObject({ calls: [['a', { x: 1 }]] })
    const thinking = [open(0, { type: 'thinking', thinking: '' }), untyped({ thinking: 'Hm' }), close(0), open(1, text('Hi')), close(1)]
    expect((await streamed(start('1'), ...thinking, reason(), stop)).message?.content).toMatchObject([
      { type: 'reasoning', text: 'Hm' },
      {},
    ])
  })
})

test('stop_reason tool_use without any content fails the run', async () => {
  expect(await streamed(start('1'), reason('tool_use'), stop)).toMatchObject({ status: 'failed', error: { code: 'wire' } })
})

describe('the end', () => {
  const content = [start('1'), open(0, text()), say(0, 'Hi'), close(0)]

  test.each<readonly [string, readonly (Json | string)[]]>([
    ['message_stop', [stop]],
    ['a stop reason', [reason()]],
    ['[DONE]', ['[DONE]']],
    ['both, and [DONE] with a blank', [reason(), stop, '[DONE] ']],
  ])('is %s', async (_, end) => {
    expect(await streamed(...content, ...end)).toMatchObject({ status: 'complete', text: 'Hi' })
  })

  test('is none of these: a stop reason at the start, an end without an answer', async () => {
    const early = { ...start('1'), message: { id: '1', stop_reason: 'end_turn' } }
    expect(await streamed(early, open(0, text()), say(0, 'Hi'))).toMatchObject({ status: 'truncated' })
    expect(await streamed(stop)).toMatchObject({ status: 'truncated' })
    expect(await streamed('[DONE]')).toMatchObject({ status: 'failed' })
  })
})

test('a whole message may lack its type, and have a text as its content', async () => {
  const message = {
    id: '1',
    role: 'assistant',
    content: [text('Hi')],
    stop_reason: 'end_turn',
    usage: { input_tokens: 1, output_tokens: 1 },
  }
  for (const content of [[text('Hi')], 'Hi'])
    expect(await modelOf(JSON.stringify({ ...message, content }), false).invoke('Hi')).toMatchObject({
      content: 'Hi',
      stopReason: 'end_turn',
    })
})
