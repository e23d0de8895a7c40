import { ChaintapError, ChatPromptTemplate, PromptTemplate, StringOutputParser } from 'chaintap'
import { ChatOpenAI, type ChatOpenAIOptions, OpenAI, type OpenAIClient, type OpenAIOptions } from 'chaintap/openai'
import {
  type FaultyFetch,
  faultyFetch,
  offlineFetch,
  openaiCompletionJson,
  openaiCompletionSse,
  openaiJson,
  openaiSse,
  recorder,
} from 'chaintap/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { mentions } from '../../support/secrets.ts'

const KEY = 'sk-proj-AbCdEfGhIjKl'
const hello = { text: ['Hel', 'lo'], usage: { inputTokens: 3, outputTokens: 2 } }

interface StreamFields {
  readonly stream: boolean
  readonly stream_options?: { readonly include_usage: boolean }
}

const answerTo = ({ url, body }: { readonly url: string; readonly body: unknown }) => {
  const { stream } = body as StreamFields
  if (url.includes('/chat/')) return { body: stream ? openaiSse(hello) : JSON.stringify(openaiJson(hello)) }
  return { body: stream ? openaiCompletionSse(hello) : JSON.stringify(openaiCompletionJson(hello)) }
}
const answering = (): FaultyFetch => faultyFetch(answerTo)
const chat = (options: ChatOpenAIOptions = {}): ChatOpenAI => new ChatOpenAI({ apiKey: KEY, dangerouslyAllowBrowser: true, ...options })
const llm = (options: OpenAIOptions = {}): OpenAI => new OpenAI({ apiKey: KEY, dangerouslyAllowBrowser: true, ...options })
const both = { ChatOpenAI: chat, OpenAI: llm } as const

/** Returns the error that a constructor throws. */
function constructorError(construct: () => unknown): unknown {
  try {
    construct()
  } catch (error) {
    return error
  }
  throw new Error('The constructor did not throw')
}

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

describe.each(Object.entries(both))('new %s()', (name, create) => {
  test('throws missing_key without an API key, with the option to pass, also for a server without keys', () => {
    for (const apiKey of [undefined, '', ' \n']) {
      const error = constructorError(() => create({ apiKey }))
      expect(error).toMatchObject({ code: 'missing_key', message: expect.stringContaining('apiKey: env.OPENAI_API_KEY') })
      expect(String(error)).toContain(`${name} requires`)
      expect(String(error)).toContain("apiKey: 'none'")
    }
  })

  test('throws invalid_options for a key that no header can hold, without showing it (P11)', () => {
    const error = constructorError(() => create({ apiKey: `${KEY}\n${KEY}` }))
    expect(error).toMatchObject({ code: 'invalid_options' })
    expect(mentions(error, KEY)).toEqual([])
  })

  test('throws key_in_browser in a page, with the reason and two alternatives', () => {
    if (!('window' in globalThis)) vi.stubGlobal('window', globalThis)
    if (!('document' in globalThis)) vi.stubGlobal('document', {})
    expect(constructorError(() => create({ dangerouslyAllowBrowser: false }))).toMatchObject({
      code: 'key_in_browser',
      message: expect.stringMatching(/every visitor can read.*RemoteRunnable.*dangerouslyAllowBrowser: true/s),
    })
    expect(() => create()).not.toThrow()
  })

  test('throws invalid_options for an invalid maxRetries', () => {
    for (const maxRetries of [-1, 1.5, Number.NaN])
      expect(constructorError(() => create({ maxRetries }))).toMatchObject({ code: 'invalid_options' })
  })
})

describe('requests of ChatOpenAI and OpenAI', () => {
  const requestOf = async (create: (options: OpenAIOptions) => OpenAI | ChatOpenAI, options: OpenAIOptions) => {
    const calls: [string, RequestInit][] = []
    const inner = answering()
    const fetch = ((url: string, init: RequestInit) => {
      calls.push([url, init])
      return inner(url, init)
    }) as typeof globalThis.fetch
    await create({ fetch, ...options }).invoke('Hi')
    const [[url, { headers }] = ['', {}]] = calls
    return { url, headers: Object.fromEntries(new Headers(headers)) }
  }

  test('contain the key, and no further headers that a page’s origin would need permission for', async () => {
    const sent = { 'content-type': 'application/json', authorization: `Bearer ${KEY}` }
    expect(await requestOf(chat, { apiKey: `${KEY}\n` })).toEqual({ url: 'https://api.openai.com/v1/chat/completions', headers: sent })
    expect(await requestOf(llm, {})).toEqual({ url: 'https://api.openai.com/v1/completions', headers: sent })
  })

  test('contain organization and project, and let the user’s headers override the library’s', async () => {
    const { headers } = await requestOf(chat, {
      organization: 'org-1',
      project: 'proj-1',
      headers: { Authorization: 'Bearer other', 'x-team': 'bears' },
    })
    expect(headers).toMatchObject({
      'openai-organization': 'org-1',
      'openai-project': 'proj-1',
      authorization: 'Bearer other',
      'x-team': 'bears',
    })
  })

  test('use baseURL, and name a compatible server by its host in errors', async () => {
    const { url } = await requestOf(chat, { apiKey: 'none', baseURL: 'http://localhost:11434/v1/' })
    expect(url).toBe('http://localhost:11434/v1/chat/completions')
    const refusing = faultyFetch({ status: 404, body: JSON.stringify({ error: 'model not found' }) })
    await expect(chat({ baseURL: 'https://api.groq.com/openai/v1', fetch: refusing }).invoke('Hi')).rejects.toThrow(
      'api.groq.com answered 404: "model not found".',
    )
    await expect(chat({ fetch: refusing }).invoke('Hi')).rejects.toThrow('OpenAI answered 404')
    await expect(chat({ baseURL: '/api/openai', fetch: refusing }).invoke('Hi')).rejects.toThrow('OpenAI answered 404')
  })

  test('send maxTokens in the field that the server supports', async () => {
    const fields = {
      'https://api.openai.com/v1': 'max_completion_tokens',
      'https://eu.api.openai.com/v1': 'max_completion_tokens',
      'https://bears.openai.azure.com/openai/v1': 'max_completion_tokens',
      'https://api.groq.com/openai/v1': 'max_tokens',
      'http://localhost:11434/v1': 'max_tokens',
    }
    for (const [baseURL, field] of Object.entries(fields)) {
      const fetch = answering()
      await chat({ baseURL, maxTokens: 7, fetch }).invoke('Hi')
      const { body } = fetch.calls[0] ?? {}
      expect(Object.entries(Object(body)).filter(([key]) => key.startsWith('max_'))).toEqual([[field, 7]])
    }
  })
})

describe('streamUsage', () => {
  const refusing = (status: number, body: string) =>
    faultyFetch((call) => ((call.body as StreamFields).stream_options ? { status, body } : answerTo(call)))
  const mistral = JSON.stringify({
    object: 'error',
    message: {
      detail: [{ type: 'extra_forbidden', loc: ['body', 'stream_options', 'include_usage'], msg: 'Extra inputs are not permitted' }],
    },
    type: 'invalid_request_error',
    code: null,
  })
  const optionsIn = (fetch: FaultyFetch): unknown[] => fetch.calls.map(({ body }) => (body as StreamFields).stream_options)
  const wanted = { include_usage: true }

  test.each(Object.entries(both))('%s requests usage of streams only', async (_, create) => {
    const fetch = answering()
    const run = create({ fetch }).stream('Hi')
    await run.drain()
    expect((await run.outcome).usage).toMatchObject({ inputTokens: 3, outputTokens: 2, requests: 1, source: 'provider' })
    await create({ fetch }).invoke('Hi')
    expect(optionsIn(fetch)).toEqual([wanted, undefined])
  })

  test('streamUsage: false requests no usage, and does not retry a refusal', async () => {
    const fetch = faultyFetch([{ status: 400, body: 'Extra inputs are not permitted' }, { body: openaiSse(hello) }])
    const model = chat({ fetch, streamUsage: false })
    await expect(model.stream('Hi').drain()).rejects.toMatchObject({ status: 400 })
    await model.stream('Hi').drain()
    expect(optionsIn(fetch)).toEqual([undefined, undefined])
  })

  test.each([
    [400, 'Unrecognized request argument supplied: stream_options'],
    [400, JSON.stringify({ error: { message: "Unknown parameter: 'include_usage'." } })],
    [422, JSON.stringify({ detail: [{ loc: ['body'], msg: 'extra fields not permitted' }] })],
    [422, mistral],
  ])('a server that refuses it with %i gets the request again at once without it, with a retry event', async (status, body) => {
    const fetch = refusing(status, body)
    const record = recorder()
    const run = chat({ fetch, maxRetries: 0, callbacks: [record] }).stream('Hi')
    await run.drain()
    expect(await run.outcome).toMatchObject({ status: 'complete', output: { content: 'Hello' } })
    expect(optionsIn(fetch)).toEqual([wanted, undefined])
    record.check()
    expect(record.events[1]).toMatchObject({ type: 'retry', attempt: 1, error: { status } })
    expect(fetch.open).toBe(0)
  })

  test('a refusal applies to the model and its copies, not to other models', async () => {
    const fetch = refusing(400, 'stream_options')
    const model = chat({ fetch })
    const bound = model.bind({ temperature: 0 }).withConfig({ tags: ['a'] })
    await bound.stream('Hi').drain()
    await Promise.all([model.stream('Hi').drain(), bound.stream('Hi').drain()])
    expect(optionsIn(fetch)).toEqual([wanted, undefined, undefined, undefined])
    await chat({ fetch }).stream('Hi').drain()
    expect(optionsIn(fetch)[4]).toEqual(wanted)
  })

  test('concurrent calls that are refused continue independently', async () => {
    const fetch = refusing(400, 'stream_options')
    const model = llm({ fetch, streaming: true })
    expect(await model.batch(['One', 'Two', 'Three'])).toEqual(['Hello', 'Hello', 'Hello'])
    expect(optionsIn(fetch)).toEqual([wanted, wanted, wanted, undefined, undefined, undefined])
  })

  test('a request refused without it too is an error, and later calls request usage again', async () => {
    const fetch = faultyFetch({ status: 400, body: JSON.stringify({ error: { message: 'Extra inputs are not permitted: top_k' } }) })
    const model = chat({ fetch, modelKwargs: { top_k: 3 } })
    for (const _ of [1, 2]) await expect(model.stream('Hi').drain()).rejects.toMatchObject({ status: 400 })
    expect(optionsIn(fetch)).toEqual([wanted, undefined, wanted, undefined])
  })

  test('stream_options of modelKwargs are not removed', async () => {
    const fetch = refusing(400, 'stream_options')
    const run = chat({ fetch, modelKwargs: { stream_options: { include_obfuscation: false } } }).stream('Hi')
    await expect(run.drain()).rejects.toMatchObject({ status: 400 })
    expect(optionsIn(fetch)).toEqual([{ include_obfuscation: false }])
  })

  test('the repeated request does not count as one of maxRetries', async () => {
    const busy = { status: 529, body: '{}', headers: { 'retry-after-ms': '1' } }
    const fetch = faultyFetch((call, index) => (index === 0 ? { status: 400, body: 'stream_options' } : index < 3 ? busy : answerTo(call)))
    const record = recorder()
    await chat({ fetch, callbacks: [record] })
      .stream('Hi')
      .drain()
    expect(record.trace().slice(0, 4)).toEqual(['S ChatOpenAI', 'R 1', 'R 2', 'R 3'])
  })
})

describe('ChatOpenAI as a runnable', () => {
  test('accepts a text or a prompt’s value, and starts with messages', async () => {
    const record = recorder()
    const model = chat({ fetch: answering(), callbacks: [record], tags: ['mine'], metadata: { team: 'bears' } })
    await model.invoke('Hi')
    await ChatPromptTemplate.fromTemplate('Hi {name}').pipe(model).pipe(new StringOutputParser()).invoke({ name: 'bears' })
    record.check()
    const starts = record.events.flatMap((event) => (event.type === 'start' ? [event.input] : []))
    expect(starts).toEqual([[{ role: 'user', content: 'Hi' }], [{ role: 'user', content: 'Hi bears' }]])
    expect(record.events[0]?.run).toMatchObject({ name: 'ChatOpenAI', kind: 'chat_model', tags: ['mine'], metadata: { team: 'bears' } })
  })

  test('bind() returns a model with other call options, and leaves the original unchanged', async () => {
    const fetch = answering()
    const model = chat({ fetch, temperature: 1, maxTokens: 10 })
    const bound = model.bind({ stop: ['!'], temperature: 0 })
    expect(bound).toBeInstanceOf(ChatOpenAI)
    await bound.invoke('Hi')
    await model.invoke('Hi')
    expect(fetch.calls[0]?.body).toMatchObject({ temperature: 0, max_completion_tokens: 10, stop: ['!'] })
    expect(fetch.calls[1]?.body).toMatchObject({ temperature: 1, max_completion_tokens: 10 })
    expect(fetch.calls[1]?.body).not.toHaveProperty('stop')
  })

  test('verbose prints its runs', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    await chat({ fetch: answering(), verbose: true }).invoke('Hi')
    expect(log.mock.calls.join('\n')).toContain('Hello')
    expect(log.mock.calls.join('\n')).not.toContain(KEY)
  })

  test('works with offlineFetch(), streamed and whole', async () => {
    const model = chat({ apiKey: 'offline', fetch: offlineFetch() })
    const run = model.stream('What is 17 + 4?')
    await run.drain()
    expect(await run.outcome).toMatchObject({ output: { content: '17 + 4 = 21.', stopReason: 'stop' }, usage: { inputTokens: 6 } })
    expect(await model.invoke('What is 17 + 4?')).toMatchObject({ content: '17 + 4 = 21.' })
    expect(await llm({ fetch: offlineFetch() }).invoke('2 + 2')).toBe('2 + 2 = 4.')
  })
})

describe('OpenAI as a runnable', () => {
  test('accepts a text and returns a text; the end event holds the usage', async () => {
    const record = recorder()
    const model = llm({ fetch: answering(), callbacks: [record] })
    expect(await PromptTemplate.fromTemplate('Hi {name}').pipe(model).invoke({ name: 'bears' })).toBe('Hello')
    record.check()
    expect(record.events[0]).toMatchObject({ type: 'start', input: 'Hi bears', run: { name: 'OpenAI', kind: 'llm' } })
    expect(record.events.at(-1)).toMatchObject({ type: 'end', output: 'Hello', usage: { inputTokens: 3, outputTokens: 2 } })
  })

  test('converts messages to text as LangChain does', async () => {
    const fetch = answering()
    const prompt = ChatPromptTemplate.fromMessages([
      ['system', 'Be brief.'],
      ['human', 'Hi {name}'],
    ])
    await prompt.pipe(llm({ fetch })).invoke({ name: 'bears' })
    expect(fetch.calls[0]?.body).toMatchObject({ prompt: 'System: Be brief.\nHuman: Hi bears' })
  })

  test('streaming: true emits each token of invoke()', async () => {
    const tokens: string[] = []
    const model = llm({ fetch: answering(), streaming: true, callbacks: [{ onLlmNewToken: (token) => void tokens.push(token) }] })
    expect(await model.invoke('Hi')).toBe('Hello')
    expect(tokens).toEqual(['Hel', 'lo'])
  })

  test('bind() returns a model with other call options', async () => {
    const fetch = answering()
    const bound = llm({ fetch, temperature: 0 }).bind({ stop: ['\nObservation:'] })
    expect(bound).toBeInstanceOf(OpenAI)
    await bound.invoke('Hi')
    expect(fetch.calls[0]?.body).toMatchObject({ temperature: 0, stop: ['\nObservation:'], max_tokens: 256 })
  })
})

describe('an official client as transport', () => {
  const serving = (respond: () => Promise<Response>) => {
    const create = vi.fn((_body: object, _options?: { signal?: AbortSignal; maxRetries?: number }) => ({ asResponse: respond }))
    const other = vi.fn(() => ({ asResponse: () => Promise.reject(new Error('the wrong API')) }))
    const base = { baseURL: 'https://me:pass@api.example/v1', apiKey: KEY }
    return {
      create,
      chatting: { ...base, chat: { completions: { create } }, completions: { create: other } } satisfies OpenAIClient,
      completing: { ...base, chat: { completions: { create: other } }, completions: { create } } satisfies OpenAIClient,
    }
  }
  const streamed = (events: readonly string[]) => async () =>
    new Response(events.join(''), { headers: { 'content-type': 'text/event-stream' } })

  test('needs no apiKey option, sends the request, and has its own retries disabled', async () => {
    const { create, chatting } = serving(streamed(openaiSse(hello)))
    const model = new ChatOpenAI({ client: chatting, maxTokens: 7 })
    let text = ''
    for await (const part of model.pipe(new StringOutputParser()).stream('Hi')) text += part
    expect(text).toBe('Hello')
    expect(create).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ max_tokens: 7, stream: true }), {
      signal: expect.any(AbortSignal),
      maxRetries: 0,
    })
    expect(mentions(model, KEY)).toEqual([])
    const { completing } = serving(streamed(openaiCompletionSse(hello)))
    expect(await new OpenAI({ client: completing, streaming: true }).invoke('Hi')).toBe('Hello')
  })

  test('an error status of the SDK is retried and becomes a ModelError without the key (P11)', async () => {
    // The SDK’s error has the content of `error`.
    const error = { type: 'requests', message: `Slow down, ${KEY}`, code: 'rate_limit_exceeded' }
    const headers = new Headers({ 'retry-after-ms': '1', 'x-request-id': 'req_1' })
    const { create, chatting } = serving(() => Promise.reject(Object.assign(new Error(`429 ${KEY}`), { status: 429, headers, error })))
    const record = recorder()
    const run = new ChatOpenAI({ client: chatting, maxRetries: 1, callbacks: [record] }).stream('Hi')
    await expect(run.drain()).rejects.toMatchObject({
      code: 'http',
      status: 429,
      providerType: 'requests',
      requestId: 'req_1',
      retryAfterMs: 1,
    })
    expect(create).toHaveBeenCalledTimes(2)
    expect(mentions([record.events, await run.outcome], KEY)).toEqual([])
  })

  test('a failed connection is a network error; a request that the SDK rejects is not retried', async () => {
    const lost = serving(() => Promise.reject(Object.assign(new Error(`Connection error. ${KEY}`), { status: undefined })))
    await expect(new ChatOpenAI({ client: lost.chatting, maxRetries: 0 }).invoke('Hi')).rejects.toMatchObject({
      code: 'network',
      message: expect.stringMatching(/^Could not reach api\.example at https:\/\/api\.example\/v1:/),
    })
    const refused = serving(() => Promise.reject(new Error('Streaming is required')))
    const error = await new ChatOpenAI({ client: refused.chatting }).invoke('Hi').catch((error: unknown) => error)
    expect(error).toBeInstanceOf(ChaintapError)
    expect(error).toMatchObject({ code: 'invalid_options', message: expect.stringContaining('Streaming is required') })
    expect(refused.create).toHaveBeenCalledOnce()
  })
})
