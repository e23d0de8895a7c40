import { type Delta, lambda, ModelError, StringOutputParser } from 'chaintap'
import { fromUIMessages } from 'chaintap/ai-sdk'
import { type ResponseFormat, serve, toResponse } from 'chaintap/edge'
import { decoder, parse } from 'chaintap/json'
import { ChatOpenAI } from 'chaintap/openai'
import { scriptedModel } from 'chaintap/testing'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { counted, Talker, turn } from '../../support/sources.ts'

const hello = { tokens: ['Hel', 'lo'], usage: { inputTokens: 3, outputTokens: 2, cacheReadTokens: 1, reasoningTokens: 1 } }
const chain = scriptedModel([hello]).pipe(new StringOutputParser())

const bytesOf = async (response: Response): Promise<string> => new TextDecoder().decode(await response.arrayBuffer())
const linesOf = async (response: Response): Promise<string[]> => (await bytesOf(response)).trimEnd().split('\n')
const datasOf = async (response: Response): Promise<string[]> =>
  [...(await bytesOf(response)).matchAll(/^data: (.*)$/gm)].map(([, data = '']) => data)
/** Parses parts or chunks, without the required `[DONE]`. */
async function partsOf(response: Response): Promise<Record<string, unknown>[]> {
  const datas = await datasOf(response)
  expect(datas.pop()).toBe('[DONE]')
  return datas.map((data) => JSON.parse(data) as Record<string, unknown>)
}

const post = (body: object, headers: Record<string, string> = {}): Request =>
  new Request('https://app.example/api', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

afterEach(() => vi.restoreAllMocks())

test('the headers option replaces those of the format, whatever the case of their names', () => {
  const headers = { 'Content-Type': 'text/event-stream; charset=x', 'CACHE-CONTROL': 'no-store', 'X-Mine': '1' }
  for (const format of ['events', 'ui-message'] as const) {
    const response = toResponse(chain.events('hi'), { format, headers })
    for (const [name, value] of Object.entries(headers)) expect(response.headers.get(name)).toBe(value)
    expect(response.headers.get('content-encoding')).toBe('identity')
  }
})

describe('ndjson', () => {
  test('has one line for each event, which decodes to the event, then the outcome', async () => {
    const lines = await linesOf(toResponse(chain.events('hi'), { format: 'ndjson' }))
    const events = lines.slice(0, -1).map(decoder())
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index))
    expect(events.at(-1)).toMatchObject({ type: 'end', output: 'Hello' })
    expect(parse(lines.at(-1) ?? '')).toMatchObject({ type: 'outcome', status: 'complete', usage: { outputTokens: 2 } })
  })

  test('has one line for each chunk of a stream, of any type', async () => {
    expect((await linesOf(toResponse(chain.stream('hi'), { format: 'ndjson' }))).slice(0, -1)).toEqual(['"Hel"', '"lo"'])
    const [first] = await linesOf(toResponse(scriptedModel(['a\nb']).stream('hi'), { format: 'ndjson' }))
    expect(JSON.parse(first ?? '')).toEqual({ type: 'text', text: 'a\nb' })
  })

  test('has a failure in its last line, after the output before it', async () => {
    const failing = scriptedModel([{ tokens: ['a'], error: new ModelError('http', 'xyzzy', { status: 529 }) }])
    const lines = await linesOf(toResponse(failing.stream('hi'), { format: 'ndjson', exposeErrors: true }))
    expect(lines).toHaveLength(2)
    const last = parse(lines[1] ?? '') as { error: unknown }
    expect(last).toMatchObject({
      type: 'outcome',
      status: 'failed',
    })
    expect(last.error).toBeInstanceOf(ModelError)
    expect([(last.error as ModelError).message, (last.error as ModelError).status]).toEqual(['xyzzy', 529])
  })
})

describe('text', () => {
  test('a failure errors the stream after the output before it', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const failing = scriptedModel([{ tokens: ['a', 'b'], error: new Error('xyzzy') }])
    const reader = toResponse(failing.stream('hi'), { format: 'text' }).body?.getReader()
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('a')
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('b')
    await expect(reader?.read()).rejects.toThrow()
  })

  test('surrogate pairs that are split between tokens arrive whole, in every format', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (output) => {
        const halves = scriptedModel([[...Array(output.length).keys()].map((index) => output.charAt(index))])
        expect(await bytesOf(toResponse(halves.stream('hi'), { format: 'text' }))).toBe(output)
        const chunks = await partsOf(toResponse(halves.stream('hi'), { format: 'openai' }))
        const contents = chunks.map(({ choices }) => (choices as { delta: { content?: string } }[])[0]?.delta.content ?? '')
        expect(contents.join('')).toBe(output)
        const parts = await partsOf(toResponse(halves.stream('hi'), { format: 'ui-message' }))
        expect(parts.map(({ delta = '' }) => delta).join('')).toBe(output)
      }),
      { numRuns: 30 },
    )
  })

  test('served text: a failure before the first text becomes the status', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const refusal = (status: number): Error => new ModelError('http', 'xyzzy', { status })
    const statuses: [Parameters<typeof serve>[0], number][] = [
      [scriptedModel([refusal(401)]), 502],
      [scriptedModel([refusal(529)]), 503],
      [scriptedModel([new Error('xyzzy')]), 500],
      // Metadata and reasoning are no text.
      [
        scriptedModel([
          {
            tokens: [
              { type: 'meta', model: 'm' },
              { type: 'reasoning', text: 'Hm.' },
            ],
            error: refusal(529),
          },
        ]),
        503,
      ],
      [scriptedModel(['late'], { delayMs: 10_000 }).withConfig({ timeout: 5 }), 504],
    ]
    const ask = (): Request => post({ input: 'hi' }, { accept: 'text/plain' })
    for (const [failing, status] of statuses) {
      const waits: Promise<unknown>[] = []
      const response = await serve(failing)(ask(), {}, { waitUntil: (work) => waits.push(work) })
      expect(response.status).toBe(status)
      expect(await response.text()).not.toContain('xyzzy')
      await Promise.all(waits)
    }
    expect(await bytesOf(await serve(scriptedModel([[]]))(ask(), {}))).toBe('')
    const cut = await serve(scriptedModel([{ tokens: ['a', 'b'], error: new Error('xyzzy') }]))(ask(), {})
    expect(cut.status).toBe(200)
    await expect(cut.text()).rejects.toThrow()
  })

  test('chunks without text are omitted', async () => {
    const silent: Delta[] = [
      { type: 'reasoning', text: 'Hm.' },
      { type: 'text', text: 'a' },
      { type: 'stop', reason: 'end_turn' },
    ]
    expect(await bytesOf(toResponse(scriptedModel([silent]).stream('hi'), { format: 'text' }))).toBe('a')
  })
})

describe('openai', () => {
  const streamed = async (run: Parameters<typeof toResponse>[0], options: object = {}): Promise<Record<string, unknown>[]> =>
    partsOf(toResponse(run, { format: 'openai', ...options }))

  test('begins with the role, and ends with the finish reason, the usage and [DONE]', async () => {
    const chunks = await streamed(chain.events('hi'))
    const choice = (delta: object, finish_reason: string | null = null): object => ({ index: 0, delta, logprobs: null, finish_reason })
    expect(chunks.map(({ choices }) => choices)).toEqual([
      [choice({ role: 'assistant', content: '' })],
      [choice({ content: 'Hel' })],
      [choice({ content: 'lo' })],
      [choice({}, 'stop')],
      [],
    ])
    for (const chunk of chunks) {
      expect(chunk).toMatchObject({ id: chunks[0]?.id, object: 'chat.completion.chunk', created: expect.any(Number), model: 'chaintap' })
    }
    expect(chunks.at(-1)?.usage).toEqual({
      prompt_tokens: 3,
      completion_tokens: 2,
      total_tokens: 5,
      prompt_tokens_details: { cached_tokens: 1 },
      completion_tokens_details: { reasoning_tokens: 1 },
    })
  })

  test('omits the usage if it was not reported or not requested (P8)', async () => {
    for (const chunks of [
      await streamed(scriptedModel(['a']).stream('hi')),
      await streamed(chain.events('hi'), { openai: { includeUsage: false } }),
    ]) {
      expect(chunks.filter((chunk) => 'usage' in chunk)).toEqual([])
    }
  })

  test('omits a total of which one part is unknown (P8)', async () => {
    const model = scriptedModel([{ tokens: ['a'], usage: { outputTokens: 2 } }])
    expect((await streamed(model.events('hi'))).at(-1)?.usage).toEqual({ completion_tokens: 2 })
  })

  test('a truncated tool call finishes with `length`', async () => {
    const cut: Delta[] = [
      { type: 'tool-call', index: 0, id: 'a', name: 'f', args: '{"x"' },
      { type: 'stop', reason: 'max_tokens' },
    ]
    expect((await streamed(scriptedModel([cut]).events('hi'))).at(-1)).toMatchObject({ choices: [{ finish_reason: 'length' }] })
  })

  const reasons: [string, string][] = [
    ['max_tokens', 'length'],
    ['length', 'length'],
    ['refusal', 'content_filter'],
    ['end_turn', 'stop'],
    ['stop', 'stop'],
    ['something new', 'stop'],
  ]
  test.each(reasons)('maps the stop reason %s to %s, also behind a parser', async (reason, expected) => {
    const model = scriptedModel([['a', { type: 'stop', reason }, { type: 'meta', model: 'claude' }]])
    for (const run of [model.stream('hi'), model.events('hi'), model.pipe(new StringOutputParser()).events('hi')]) {
      const last = (await streamed(run)).at(-1)
      expect(last).toMatchObject({ model: 'claude', choices: [{ finish_reason: expected }] })
    }
  })

  test('a failure is an OpenAI error without a finish reason', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const failing = scriptedModel([{ tokens: ['a'], error: new ModelError('http', 'xyzzy') }])
    const chunks = await streamed(failing.events('hi'))
    expect(chunks.at(-1)).toEqual({ error: { message: 'The model could not answer.', type: 'server_error', param: null, code: 'http' } })
    expect(chunks.filter((chunk) => JSON.stringify(chunk).includes('"finish_reason":"'))).toEqual([])
  })

  test('without stream the response is one JSON object', async () => {
    const output: Delta[] = [
      { type: 'reasoning', text: 'Hm. ' },
      { type: 'reasoning', text: 'Yes.' },
      { type: 'tool-call', index: 0, id: 'a', name: 'f', args: '{"x"' },
      { type: 'tool-call', index: 1, id: 'b', name: 'g', args: '{}' },
      { type: 'tool-call', index: 0, args: ':1}' },
    ]
    const response = await serve(scriptedModel([{ tokens: output, usage: hello.usage }]))(
      post({ model: 'm', messages: [{ role: 'user', content: 'hi' }] }),
      {},
    )
    const call = (id: string, name: string, args: string): object => ({ id, type: 'function', function: { name, arguments: args } })
    expect(await response.json()).toMatchObject({
      object: 'chat.completion',
      model: 'm',
      choices: [
        {
          index: 0,
          finish_reason: 'tool_calls',
          message: {
            role: 'assistant',
            content: null,
            reasoning_content: 'Hm. Yes.',
            tool_calls: [call('a', 'f', '{"x":1}'), call('b', 'g', '{}')],
          },
        },
      ],
      usage: { total_tokens: 5 },
    })
  })

  test('without stream a failure has its own status', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const statuses: [Parameters<typeof serve>[0], number][] = [
      [scriptedModel([new ModelError('http', 'xyzzy')]), 502],
      [scriptedModel([new Error('xyzzy')]), 500],
      [scriptedModel(['late'], { delayMs: 10_000 }).withConfig({ timeout: 5 }), 504],
    ]
    for (const [failing, status] of statuses) {
      const response = await serve(failing)(post({ messages: [{ role: 'user', content: 'hi' }] }), {})
      expect(response.status).toBe(status)
      expect(await response.json()).toEqual({ error: expect.objectContaining({ type: 'server_error' }) })
    }
  })
})

test('ChatOpenAI reads the openai format with the same result as the model behind it', async () => {
  const output: Delta[] = [
    { type: 'reasoning', text: 'Hm.' },
    { type: 'text', text: 'Let me ' },
    { type: 'text', text: 'see.' },
    { type: 'tool-call', index: 0, id: 'a', name: 'f', args: '{"x"' },
    { type: 'tool-call', index: 0, args: ':1}' },
  ]
  const behind = scriptedModel([{ tokens: output, usage: hello.usage }])
  const handler = serve(behind)
  const fetch = (url: unknown, init?: RequestInit): Promise<Response> => handler(new Request(String(url), init), {})
  const model = new ChatOpenAI({ model: 'm', apiKey: 'none', baseURL: 'https://app.example/v1', fetch, dangerouslyAllowBrowser: true })
  for (const streaming of [true, false]) {
    const run = streaming ? model.stream('hi') : undefined
    await run?.drain()
    const outcome = await run?.outcome
    const message = outcome?.status === 'complete' ? outcome.output : await model.invoke('hi')
    expect(message).toMatchObject({
      content: [
        { type: 'reasoning', text: 'Hm.' },
        { type: 'text', text: 'Let me see.' },
      ],
      toolCalls: [{ id: 'a', name: 'f', args: { x: 1 } }],
      usage: { inputTokens: 3, outputTokens: 2, cacheReadTokens: 1, reasoningTokens: 1 },
      stopReason: 'tool_calls',
    })
  }
})

describe('formats of other clients contain plain JSON', () => {
  const odd = { $: 1, at: new Date(0), missing: undefined, 'a.b': 'x'.repeat(300_000) }
  const plain = { $: 1, at: '1970-01-01T00:00:00.000Z', 'a.b': odd['a.b'] }
  const chain = lambda(async function* () {
    yield odd
  })

  test('for objects of a chain', async () => {
    expect(JSON.parse((await linesOf(toResponse(chain.stream('hi'), { format: 'ndjson' })))[0] ?? '')).toEqual(plain)
    expect(await partsOf(toResponse(chain.stream('hi'), { format: 'ui-message' }))).toContainEqual({
      type: 'data-output',
      id: 'output',
      data: plain,
    })
  })

  test('for values without JSON', async () => {
    const huge = lambda(async function* () {
      yield { n: 1n }
    })
    expect((await partsOf(toResponse(huge.stream('hi'), { format: 'ui-message' }))).at(-1)).toMatchObject({ type: 'finish' })
  })
})

describe('ui-message', () => {
  test('a call whose arguments are not valid JSON is an error, so that the page does not run its tool', async () => {
    const output = (args: string, reason: string): Delta[] => [
      { type: 'tool-call', index: 0, id: 'c', name: 'f', args },
      { type: 'stop', reason },
    ]
    const cut = [output('{"path":"/sr', 'length'), output('', 'length'), output("{'a': 1}", 'tool_calls')]
    for (const deltas of cut) {
      const parts = await partsOf(toResponse(scriptedModel([deltas]).events('hi'), { format: 'ui-message' }))
      expect(parts.map(({ type }) => type)).not.toContain('tool-input-available')
      expect(parts.find(({ type }) => type === 'tool-input-error')).toMatchObject({
        toolCallId: 'c',
        toolName: 'f',
        errorText: expect.any(String),
      })
    }
    const parts = await partsOf(toResponse(scriptedModel([output('', 'tool_calls')]).events('hi'), { format: 'ui-message' }))
    expect(parts.find(({ type }) => type === 'tool-input-available')).toMatchObject({ toolCallId: 'c', input: {} })
  })

  test('what a provider expects back with a call passes through useChat', async () => {
    const extra = { extra_content: { google: { thought_signature: 'SIGNED' } } }
    const output: Delta[] = [{ type: 'tool-call', index: 0, id: 'c', name: 'f', args: '{}', extra }]
    const parts = await partsOf(toResponse(scriptedModel([output]).events('hi'), { format: 'ui-message' }))
    const { providerMetadata } = parts.find(({ type }) => type === 'tool-input-available') as { providerMetadata?: unknown }
    const part = {
      type: 'tool-f',
      toolCallId: 'c',
      state: 'output-available',
      input: {},
      output: 1,
      callProviderMetadata: providerMetadata,
    }
    expect(fromUIMessages([{ role: 'assistant', parts: [part] }])[0]).toMatchObject({
      toolCalls: [{ id: 'c', name: 'f', args: {}, extra }],
    })
  })

  test('accepts a run of stream()', async () => {
    const output: Delta[] = [
      { type: 'reasoning', text: 'Hm.' },
      { type: 'text', text: 'a' },
      { type: 'tool-call', index: 0, id: 'c', name: 'f', args: '{}' },
    ]
    const parts = await partsOf(toResponse(scriptedModel([output]).stream('hi'), { format: 'ui-message' }))
    expect(parts.map(({ type }) => type)).toEqual([
      'start',
      'start-step',
      'reasoning-start',
      'reasoning-delta',
      'reasoning-end',
      'text-start',
      'text-delta',
      'text-end',
      'tool-input-start',
      'tool-input-delta',
      'tool-input-available',
      'finish-step',
      'finish',
    ])
  })
})

const formats: readonly ResponseFormat[] = ['events', 'text', 'ndjson', 'ui-message', 'openai', 'ag-ui']

const writes: readonly [ResponseFormat, RegExp][] = [
  ['events', /"token":"a"[\s\S]*"token":"c"/],
  ['text', /^abc$/],
  ['ndjson', /"token":"a"[\s\S]*"token":"c"/],
  ['ui-message', /"delta":"abc"/],
  ['openai', /"content":"abc"/],
  ['ag-ui', /"delta":"abc"/],
]
test.each(writes)('%s: one write per wire chunk, none of them empty', async (format, together) => {
  const talker = new Talker([['a', 'b', 'c'], ['d', 'e'], ['f']])
  const run = format === 'text' ? talker.stream('x') : talker.events('x')
  const written: string[] = []
  const reader = toResponse(run as ReturnType<Talker['events']>, { format }).body?.getReader()
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) written.push(new TextDecoder().decode(read.value))
  expect(written.filter((each) => together.test(each))).toHaveLength(1)
  expect(written).not.toContain('')
})

test.each(formats)('%s: a response longer than the retained output completes', async (format) => {
  const long = scriptedModel([Array.from({ length: 30 }, () => 'x'.repeat(20_000))]).pipe(new StringOutputParser())
  const response = toResponse(long.stream('x') as never, { format: format === 'events' ? 'ndjson' : format })
  const text = await bytesOf(response)
  expect(text.match(/x{20000}/g)).toHaveLength(30)
  if (format === 'ndjson') expect(text).toContain('"status":"complete"')
})

test.each(formats)('%s: sends comments if the format allows them', async (format) => {
  const slow = (): Talker => new Talker(() => counted([['a']], { before: () => turn(30) }))
  const run = format === 'text' ? slow().stream('x') : slow().events('x')
  const text = await bytesOf(toResponse(run as ReturnType<Talker['events']>, { format, heartbeatMs: 2 }))
  expect(text.includes(': heartbeat\n\n')).toBe(format !== 'text' && format !== 'ndjson')
})

test('an accepted truncated response is no failure, and not reported as complete', async () => {
  const output = 'data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n'
  const fetch = async (): Promise<Response> => new Response(output, { headers: { 'content-type': 'text/event-stream' } })
  const cut = new ChatOpenAI({ apiKey: 'none', dangerouslyAllowBrowser: true, onTruncated: 'accept', fetch })
  const messages = [{ role: 'user', content: 'hi' }]
  const answerTo = async (body: object): Promise<string> => bytesOf(await serve(cut)(post(body), {}))
  const whole = JSON.parse(await answerTo({ messages })) as object
  expect(whole).toMatchObject({ choices: [{ message: { content: 'Hel' }, finish_reason: 'length' }] })
  const streamed = await answerTo({ messages, stream: true })
  expect(streamed).toContain('"finish_reason":"length"')
  expect(streamed).not.toContain('"error"')
  const parts = await answerTo({ messages: [{ role: 'user', parts: [{ type: 'text', text: 'hi' }] }] })
  expect(parts).toContain('"finishReason":"other"')
  expect(parts).not.toContain('"error')
  const agUi = await answerTo({ messages, threadId: 't', runId: 'r' })
  expect(agUi).toContain('RUN_FINISHED')
  expect(agUi).not.toContain('RUN_ERROR')
  expect(await answerTo({ input: 'hi' })).toContain('"status":"truncated"')
})
