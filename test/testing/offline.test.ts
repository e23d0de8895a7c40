import { offlineFetch } from 'chaintap/testing'
import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const url = 'https://api.anthropic.com/v1/messages'

interface Message {
  readonly id: string
  readonly model: string
  readonly content: readonly { readonly text: string }[]
  readonly stop_reason: string
  readonly usage: { readonly input_tokens: number; readonly output_tokens: number }
}

const request = (content: unknown, rest: object = {}): RequestInit => ({
  method: 'POST',
  body: JSON.stringify({ model: 'claude-x', max_tokens: 1_024, messages: [{ role: 'user', content }], ...rest }),
})

async function ask(content: unknown, rest?: object): Promise<Message> {
  return (await offlineFetch()(url, request(content, rest))).json() as Promise<Message>
}

const answer = async (content: unknown): Promise<string | undefined> => (await ask(content)).content[0]?.text

interface StreamEvent {
  readonly type: string
  readonly message?: Message
  readonly delta?: { readonly text?: string; readonly stop_reason?: string }
  readonly usage?: { readonly output_tokens: number }
}

/** The events in each chunk of a streamed response. */
async function* streamed(body: ReadableStream<Uint8Array> | null): AsyncGenerator<StreamEvent[]> {
  let events: StreamEvent[] = []
  const parser = createParser({ onEvent: ({ data }) => events.push(JSON.parse(data)) })
  const decoder = new TextDecoder()
  const reader = body?.getReader()
  for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
    events = []
    parser.feed(decoder.decode(read.value, { stream: true }))
    yield events
  }
}

async function chunksOf(response: Response): Promise<StreamEvent[][]> {
  const chunks: StreamEvent[][] = []
  for await (const chunk of streamed(response.body)) chunks.push(chunk)
  return chunks
}

const tokensIn = (chunks: readonly StreamEvent[][]): string[] => chunks.flat().flatMap(({ delta }) => delta?.text ?? [])

describe('offlineFetch(): answers', () => {
  test.each([
    ['What is 17 + 4 * 2?', '17 + 4 * 2 = 25.'],
    ['12*(3-1)', '12*(3-1) = 24.'],
    ['Hi, please work out 2 ^ 10. Thanks!', '2 ^ 10 = 1024.'],
    ['How much is 2 ** 0.5 ?', '2 ** 0.5 = 1.41421356237.'],
    ['0.1 + 0.2 = ?', '0.1 + 0.2 = 0.3.'],
    ['and -3 - -4, then?', '-3 - -4 = 1.'],
    ['So. .5 * 3', '.5 * 3 = 1.5.'],
    ['1,000 * 3', '1,000 * 3 = 3000.'],
    ['0 * -1', '0 * -1 = 0.'],
    ['One line\n2 + 3\nand 4 + 5', '2 + 3 = 5.'],
    ['In 2024 - you know - what was 5+5?', '5+5 = 10.'],
    ['7 / 0', '7 / 0 has no answer: nothing can be divided by zero.'],
    ['(0 - 8) ^ 0.5', '(0 - 8) ^ 0.5 has no answer among the real numbers.'],
    ['9 ^ 9 ^ 9', '9 ^ 9 ^ 9 is larger than I can count.'],
    [`1 + ${'1 + '.repeat(99)}1`, `1 + ${'1 + '.repeat(99)}1 = 101.`],
    [`1 ${'-'.repeat(200)} 1`, 'That sum is too long for me. Ask for a part of it.'],
  ])('calculates a sum: %s', async (question, expected) => {
    expect(await answer(question)).toBe(expected)
  })

  test.each(['What is 1,5 + 2?', 'x2 + 3', '3 + 4x', 'sqrt(16) + 2', '1e5 + 3', 'Call me at 5.', 'What is love?', ''])(
    'answers other questions with what it is and how to set a key: %s',
    async (question) => {
      expect(await answer(question)).toMatch(/I am the offline model.*ANTHROPIC_API_KEY.*\.dev\.vars/)
    },
  )

  test.each(['Hi', 'hello there', ' Good morning, model'])('greets: %s', async (question) => {
    expect(await answer(question)).toMatch(/^Hello!/)
  })

  test('does not greet the beginning of a longer word', async () => {
    expect(await answer('History of Rome')).not.toMatch(/^Hello/)
  })

  test('tells a joke about the named animal, or about bears if none is named', async () => {
    const bears = 'What do you call a bear with no teeth? A gummy bear.'
    expect(await answer('Tell me a joke about bears')).toBe(bears)
    expect(await answer('A joke about a polar bear.')).toBe(bears)
    expect(await answer('Tell me a joke!')).toBe(bears)
    expect(await answer('Tell me a joke about the three-toed sloth, please.')).toContain('invite three-toed sloth, please to')
    expect(await answer('A joke about <b>llamas</b>')).toContain('<b>llamas</b>')
  })

  test('calculates random sums', async () => {
    const small = fc.integer({ min: -99, max: 99 })
    await fc.assert(
      fc.asyncProperty(small, small, small, async (a, b, c) => {
        expect(await answer(`What is ${a} + ${b} * (${c} - 2)?`)).toBe(`${a} + ${b} * (${c} - 2) = ${a + b * (c - 2)}.`)
      }),
    )
  })

  test('answers the last user message, with its text parts joined, and ignores the system prompt', async () => {
    const messages = [
      { role: 'user', content: '1 + 1' },
      { role: 'assistant', content: '1 + 1 = 2.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'And' },
          { type: 'image', source: {} },
          { type: 'text', text: '2 + 2?' },
        ],
      },
    ]
    const message = await ask('', { messages, system: 'What is 9 + 9?' })
    expect(message.content[0]?.text).toBe('2 + 2 = 4.')
  })
})

describe('offlineFetch(): Anthropic’s API', () => {
  test('returns a whole message, with usage in its own tokens', async () => {
    const response = await offlineFetch()(url, request('What is 17 + 4?'))
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('request-id')).toMatch(/^req_/)
    expect(await response.json()).toEqual({
      id: expect.stringMatching(/^msg_/),
      type: 'message',
      role: 'assistant',
      model: 'offline',
      content: [{ type: 'text', text: '17 + 4 = 21.' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      // What is 17 + 4 ? — 17 + 4 = 21 .
      usage: { input_tokens: 6, output_tokens: 6 },
    })
  })

  test('streams the same answer, one token per chunk', async () => {
    const response = await offlineFetch()(url, request('What is 1 + 1?', { stream: true }))
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const chunks = await chunksOf(response)
    expect(tokensIn(chunks)).toEqual(['1', ' +', ' 1', ' =', ' 2', '.'])
    expect(chunks.map((chunk) => chunk.filter(({ type }) => type === 'content_block_delta').length)).toEqual([1, 1, 1, 1, 1, 1, 0])
    expect(chunks.map((chunk) => chunk.map(({ type }) => type))[0]?.[0]).toBe('message_start')
    expect(chunks.at(-1)?.map(({ type }) => type)).toEqual(['content_block_stop', 'message_delta', 'message_stop'])
    expect(chunks.flat().findLast(({ usage }) => usage)?.usage).toEqual({ output_tokens: 6 })
  })

  test('streams every sum in at least six tokens, which join to the text', async () => {
    const sum = fc
      .tuple(fc.nat(9), fc.constantFrom('+', '-', '*', '/'), fc.nat(9), fc.constantFrom('', ' '))
      .map(([a, sign, b, space]) => [a, sign, b].join(space))
    await fc.assert(
      fc.asyncProperty(sum, async (question) => {
        const tokens = tokensIn(await chunksOf(await offlineFetch()(url, request(question, { stream: true }))))
        expect(tokens.length).toBeGreaterThanOrEqual(6)
        expect(tokens.join('')).toBe(await answer(question))
      }),
    )
  })

  test('streams tokens that join to the text, for any question', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (animal) => {
        const question = `A joke about ${animal}`
        const tokens = tokensIn(await chunksOf(await offlineFetch()(url, request(question, { stream: true }))))
        expect(tokens.join('')).toBe(await answer(question))
      }),
    )
  })

  test('cuts the answer after max_tokens', async () => {
    const message = await ask('1 + 1', { max_tokens: 2 })
    expect(message).toMatchObject({ content: [{ text: '1 +' }], stop_reason: 'max_tokens', usage: { output_tokens: 2 } })
  })

  test('gives every response its own id', async () => {
    expect((await ask('Hi')).id).not.toBe((await ask('Hi')).id)
  })

  test.each([
    ['no JSON', 'garbage', /JSON/],
    ['no body', undefined, /JSON/],
    ['null', 'null', /JSON/],
    ['no model', JSON.stringify({ max_tokens: 1, messages: [] }), /^model/],
    ['no max_tokens', JSON.stringify({ model: 'x', messages: [] }), /^max_tokens/],
    ['no messages', JSON.stringify({ model: 'x', max_tokens: 1, messages: [] }), /^messages/],
    [
      'a system message in messages',
      JSON.stringify({ model: 'x', max_tokens: 1, messages: [{ role: 'system', content: 'a' }] }),
      /^messages\.0/,
    ],
    [
      'a message without content',
      JSON.stringify({ model: 'x', max_tokens: 1, messages: [{ role: 'user', content: 'a' }, { role: 'user' }] }),
      /^messages\.1/,
    ],
    ['an invalid part', JSON.stringify({ model: 'x', max_tokens: 1, messages: [{ role: 'user', content: [null] }] }), /^messages\.0/],
  ])('rejects a request with %s by the API’s 400 error', async (_, body, message) => {
    const response = await offlineFetch()(url, { method: 'POST', ...(body !== undefined && { body }) })
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({
      type: 'error',
      error: { type: 'invalid_request_error', message: expect.stringMatching(message) },
      request_id: response.headers.get('request-id'),
    })
  })

  test.each([
    ['GET', url],
    ['POST', 'https://api.anthropic.com/v1/complete'],
  ])('responds 404 to %s %s', async (method, where) => {
    const response = await offlineFetch()(where, { method })
    expect([response.status, await response.json()]).toEqual([
      404,
      expect.objectContaining({ error: expect.objectContaining({ type: 'not_found_error' }) }),
    ])
  })
})

describe('offlineFetch(): pace', () => {
  test('`hold` stalls a stream after its first token until it settles', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const response = await offlineFetch({ hold: promise })(url, request('−1 + 3', { stream: true }))
    const chunks = streamed(response.body)
    expect(tokensIn([(await chunks.next()).value ?? []])).toEqual(['−'])
    let isSettled = false
    const next = chunks.next().finally(() => (isSettled = true))
    await new Promise((wait) => setTimeout(wait, 5))
    expect(isSettled).toBe(false)
    resolve()
    expect(tokensIn([(await next).value ?? []])).toEqual(['1'])
  })

  test('`hold` withholds a whole response until it settles', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    let isSettled = false
    const response = offlineFetch({ hold: promise })(url, request('1 + 3')).finally(() => (isSettled = true))
    await new Promise((wait) => setTimeout(wait, 5))
    expect(isSettled).toBe(false)
    resolve()
    expect((await response).status).toBe(200)
  })

  test('an abort errors the body and a cancel ends it while a token is pending (P2)', async () => {
    const abort = new AbortController()
    const slow = offlineFetch({ delayMs: 1_000_000 })
    const aborted = (await slow(url, { ...request('Hi', { stream: true }), signal: abort.signal })).body?.getReader()
    const cancelled = (await slow(url, request('Hi', { stream: true }))).body?.getReader()
    const reads = [aborted?.read(), cancelled?.read()]
    abort.abort(new Error('mine'))
    await cancelled?.cancel()
    await expect(reads[0]).rejects.toThrow('mine')
    expect(await reads[1]).toMatchObject({ done: true })
  })

  test('a call with an aborted signal rejects', async () => {
    const signal = AbortSignal.abort(new Error('mine'))
    await expect(offlineFetch()(url, { ...request('Hi'), signal })).rejects.toThrow('mine')
  })

  test('`delayMs` delays the tokens and changes nothing else', async () => {
    const response = await offlineFetch({ delayMs: 1 })(url, request('1 + 1', { stream: true }))
    expect(tokensIn(await chunksOf(response)).join('')).toBe('1 + 1 = 2.')
  })
})

describe('offlineFetch(): OpenAI’s APIs', () => {
  const chat = 'https://api.openai.com/v1/chat/completions'
  const completions = 'http://localhost:1234/v1/completions?api-version=1'
  const post = (body: unknown): RequestInit => ({ method: 'POST', body: JSON.stringify(body) })
  const sum = {
    model: 'gpt-x',
    messages: [
      { role: 'system', content: '9 + 9' },
      { role: 'user', content: '1 + 1' },
    ],
  }
  const json = async (where: string, body: unknown): Promise<unknown> => (await offlineFetch()(where, post(body))).json()

  /** The events in each chunk of a stream. */
  async function chunksIn(where: string, body: object): Promise<string[][]> {
    const response = await offlineFetch()(where, post({ ...body, stream: true }))
    const chunks: string[][] = []
    let events: string[] = []
    const parser = createParser({ onEvent: ({ data }) => events.push(data) })
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
      events = []
      parser.feed(read.value)
      chunks.push(events)
    }
    return chunks
  }

  test('returns a whole response, with usage in its own tokens', async () => {
    const response = await offlineFetch()(chat, post(sum))
    expect(response.headers.get('x-request-id')).toMatch(/^req_/)
    expect(await response.json()).toMatchObject({
      id: expect.stringMatching(/^chatcmpl-/),
      model: 'offline',
      choices: [{ message: { role: 'assistant', content: '1 + 1 = 2.' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 6, completion_tokens: 6, total_tokens: 12 },
    })
    expect(await json(completions, { model: 'x', prompt: '1 + 1', max_tokens: 9 })).toMatchObject({
      id: expect.stringMatching(/^cmpl-/),
      choices: [{ text: '1 + 1 = 2.', finish_reason: 'stop' }],
    })
  })

  test('streams one token per chunk, and usage only if requested', async () => {
    for (const [where, body] of [
      [chat, sum],
      [completions, { model: 'x', prompt: '1 + 1' }],
    ] as const) {
      const chunks = await chunksIn(where, { ...body, stream_options: { include_usage: true } })
      expect(chunks.map((events) => events.length)).toEqual([where === chat ? 2 : 1, 1, 1, 1, 1, 1, 3])
      expect(chunks.at(-1)?.at(-1)).toBe('[DONE]')
      expect(JSON.parse(chunks.at(-1)?.[1] ?? '')).toMatchObject({ choices: [], usage: { completion_tokens: 6 } })
      expect((await chunksIn(where, body)).join()).not.toContain('usage')
    }
  })

  test.each([
    [chat, { ...sum, max_tokens: 2 }],
    [chat, { ...sum, max_completion_tokens: 2 }],
    [completions, { model: 'x', prompt: '1 + 1', max_tokens: 2 }],
  ])('cuts the answer after the token limit: %s %j', async (where, body) => {
    expect(await json(where, body)).toMatchObject({ choices: [{ finish_reason: 'length' }], usage: { completion_tokens: 2 } })
  })

  test('accepts tool calls without content', async () => {
    const messages = [
      ...sum.messages,
      { role: 'assistant', content: null, tool_calls: [] },
      { role: 'tool', content: 'x', tool_call_id: '1' },
    ]
    expect(await json(chat, { ...sum, messages })).toMatchObject({ choices: [{ message: { content: '1 + 1 = 2.' } }] })
  })

  test.each([
    [chat, 'garbage', /JSON/],
    [chat, { messages: sum.messages }, /model/],
    [chat, { model: 'x', messages: [] }, /messages/],
    [chat, { model: 'x', messages: [{ role: 'bear', content: 'a' }] }, /messages\[0\]/],
    [chat, { ...sum, max_tokens: 0 }, /max_tokens/],
    [completions, { model: 'x' }, /prompt/],
  ])('rejects an invalid request by the API’s 400 error: %s %j', async (where, body, message) => {
    const response = await offlineFetch()(where, post(body))
    expect(response.status).toBe(400)
    const error = { type: 'invalid_request_error', message: expect.stringMatching(message), param: null, code: null }
    expect(await response.json()).toEqual({ error })
  })

  test('responds 404 to GET and lists the supported calls', async () => {
    const response = await offlineFetch()(chat)
    expect([response.status, await response.json()]).toEqual([
      404,
      { error: expect.objectContaining({ message: expect.stringMatching(/POST …\/chat\/completions/) }) },
    ])
  })
})
