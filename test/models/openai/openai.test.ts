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

interface Asked {
  readonly stream: boolean
  readonly stream_options?: { readonly include_usage: boolean }
}

const answerTo = ({ url, body }: { readonly url: string; readonly body: unknown }) => {
  const { stream } = body as Asked
  if (url.includes('/chat/')) return { body: stream ? openaiSse(hello) : JSON.stringify(openaiJson(hello)) }
  return { body: stream ? openaiCompletionSse(hello) : JSON.stringify(openaiCompletionJson(hello)) }
}
const answering = (): FaultyFetch => faultyFetch(answerTo)
const chat = (options: ChatOpenAIOptions = {}): ChatOpenAI => new ChatOpenAI({ apiKey: KEY, dangerouslyAllowBrowser: true, ...options })
const llm = (options: OpenAIOptions = {}): OpenAI => new OpenAI({ apiKey: KEY, dangerouslyAllowBrowser: true, ...options })
const both = { ChatOpenAI: chat, OpenAI: llm } as const

/** What constructing throws. */
function thrown(construct: () => unknown): unknown {
  try {
    construct()
  } catch (error) {
    return error
  }
  throw new Error('It did not throw')
}

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

describe.each(Object.entries(both))('making a %s', (name, made) => {
  test('a missing key is an error at once, which shows the line to write, also for a server that wants none', () => {
    for (const apiKey of [undefined, '', ' \n']) {
      const error = thrown(() => made({ apiKey }))
      expect(error).toMatchObject({ code: 'missing_key', message: expect.stringContaining('apiKey: env.OPENAI_API_KEY') })
      expect(String(error)).toContain(`${name} requires`)
      expect(String(error)).toContain("apiKey: 'none'")
    }
  })

  test('a key that no header can hold is an error at once, which does not show it (P11)', () => {
    const error = thrown(() => made({ apiKey: `${KEY}\n${KEY}` }))
    expect(error).toMatchObject({ code: 'invalid_options' })
    expect(mentions(error, KEY)).toEqual([])
  })

  test('in a page a key is refused, with why and the two ways out', () => {
    if (!('window' in globalThis)) vi.stubGlobal('window', globalThis)
    if (!('document' in globalThis)) vi.stubGlobal('document', {})
    expect(thrown(() => made({ dangerouslyAllowBrowser: false }))).toMatchObject({
      code: 'key_in_browser',
      message: expect.stringMatching(/every visitor can read.*RemoteRunnable.*dangerouslyAllowBrowser: true/s),
    })
    expect(() => made()).not.toThrow()
  })

  test('a number of retries that is none is an error', () => {
    for (const maxRetries of [-1, 1.5, Number.NaN]) expect(thrown(() => made({ maxRetries }))).toMatchObject({ code: 'invalid_options' })
  })
})

describe('what is sent', () => {
  const asked = async (made: (options: OpenAIOptions) => OpenAI | ChatOpenAI, options: OpenAIOptions) => {
    const calls: [string, RequestInit][] = []
    const inner = answering()
    const fetch = ((url: string, init: RequestInit) => {
      calls.push([url, init])
      return inner(url, init)
    }) as typeof globalThis.fetch
    await made({ fetch, ...options }).invoke('Hi')
    const [[url, { headers }] = ['', {}]] = calls
    return { url, headers: Object.fromEntries(new Headers(headers)) }
  }

  test('the key, and nothing that a page would need leave for', async () => {
    const sent = { 'content-type': 'application/json', authorization: `Bearer ${KEY}` }
    expect(await asked(chat, { apiKey: `${KEY}\n` })).toEqual({ url: 'https://api.openai.com/v1/chat/completions', headers: sent })
    expect(await asked(llm, {})).toEqual({ url: 'https://api.openai.com/v1/completions', headers: sent })
  })

  test('who pays, where it is said; headers of the caller’s over its own', async () => {
    const { headers } = await asked(chat, {
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

  test('to any server that speaks the API, whose errors have its name', async () => {
    const { url } = await asked(chat, { apiKey: 'none', baseURL: 'http://localhost:11434/v1/' })
    expect(url).toBe('http://localhost:11434/v1/chat/completions')
    const refusing = faultyFetch({ status: 404, body: JSON.stringify({ error: 'model not found' }) })
    await expect(chat({ baseURL: 'https://api.groq.com/openai/v1', fetch: refusing }).invoke('Hi')).rejects.toThrow(
      'api.groq.com answered 404: "model not found".',
    )
    await expect(chat({ fetch: refusing }).invoke('Hi')).rejects.toThrow('OpenAI answered 404')
    await expect(chat({ baseURL: '/api/openai', fetch: refusing }).invoke('Hi')).rejects.toThrow('OpenAI answered 404')
  })

  test('the most tokens, in the word that the server knows', async () => {
    const words = {
      'https://api.openai.com/v1': 'max_completion_tokens',
      'https://eu.api.openai.com/v1': 'max_completion_tokens',
      'https://bears.openai.azure.com/openai/v1': 'max_completion_tokens',
      'https://api.groq.com/openai/v1': 'max_tokens',
      'http://localhost:11434/v1': 'max_tokens',
    }
    for (const [baseURL, word] of Object.entries(words)) {
      const fetch = answering()
      await chat({ baseURL, maxTokens: 7, fetch }).invoke('Hi')
      const { body } = fetch.calls[0] ?? {}
      expect(Object.entries(Object(body)).filter(([key]) => key.startsWith('max_'))).toEqual([[word, 7]])
    }
  })
})

describe('the usage of streams', () => {
  const refusing = (status: number, body: string) =>
    faultyFetch((call) => ((call.body as Asked).stream_options ? { status, body } : answerTo(call)))
  const mistral = JSON.stringify({
    object: 'error',
    message: {
      detail: [{ type: 'extra_forbidden', loc: ['body', 'stream_options', 'include_usage'], msg: 'Extra inputs are not permitted' }],
    },
    type: 'invalid_request_error',
    code: null,
  })
  const optionsIn = (fetch: FaultyFetch): unknown[] => fetch.calls.map(({ body }) => (body as Asked).stream_options)
  const wanted = { include_usage: true }

  test.each(Object.entries(both))('%s asks for it, of streams alone', async (_, made) => {
    const fetch = answering()
    const run = made({ fetch }).stream('Hi')
    await run.drain()
    expect((await run.outcome).usage).toMatchObject({ inputTokens: 3, outputTokens: 2, requests: 1, source: 'provider' })
    await made({ fetch }).invoke('Hi')
    expect(optionsIn(fetch)).toEqual([wanted, undefined])
  })

  test('streamUsage: false asks for none, whatever the server refuses', async () => {
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
  ])('a server that refuses it with %i is asked again at once without, told as a retry', async (status, body) => {
    const fetch = refusing(status, body)
    const heard = recorder()
    const run = chat({ fetch, maxRetries: 0, callbacks: [heard] }).stream('Hi')
    await run.drain()
    expect(await run.outcome).toMatchObject({ status: 'complete', output: { content: 'Hello' } })
    expect(optionsIn(fetch)).toEqual([wanted, undefined])
    heard.check()
    expect(heard.events[1]).toMatchObject({ type: 'retry', attempt: 1, error: { status } })
    expect(fetch.open).toBe(0)
  })

  test('and not asked for it any more, by the model and its copies; another model asks for itself', async () => {
    const fetch = refusing(400, 'stream_options')
    const model = chat({ fetch })
    const bound = model.bind({ temperature: 0 }).withConfig({ tags: ['a'] })
    await bound.stream('Hi').drain()
    await Promise.all([model.stream('Hi').drain(), bound.stream('Hi').drain()])
    expect(optionsIn(fetch)).toEqual([wanted, undefined, undefined, undefined])
    await chat({ fetch }).stream('Hi').drain()
    expect(optionsIn(fetch)[4]).toEqual(wanted)
  })

  test('calls that were under way together go on each', async () => {
    const fetch = refusing(400, 'stream_options')
    const model = llm({ fetch, streaming: true })
    expect(await model.batch(['One', 'Two', 'Three'])).toEqual(['Hello', 'Hello', 'Hello'])
    expect(optionsIn(fetch)).toEqual([wanted, wanted, wanted, undefined, undefined, undefined])
  })

  test('what is refused all the same is an error, and usage is asked for again', async () => {
    const fetch = faultyFetch({ status: 400, body: JSON.stringify({ error: { message: 'Extra inputs are not permitted: top_k' } }) })
    const model = chat({ fetch, modelKwargs: { top_k: 3 } })
    for (const _ of [1, 2]) await expect(model.stream('Hi').drain()).rejects.toMatchObject({ status: 400 })
    expect(optionsIn(fetch)).toEqual([wanted, undefined, wanted, undefined])
  })

  test('what was asked for by the caller’s own words is not taken back', async () => {
    const fetch = refusing(400, 'stream_options')
    const run = chat({ fetch, modelKwargs: { stream_options: { include_obfuscation: false } } }).stream('Hi')
    await expect(run.drain()).rejects.toMatchObject({ status: 400 })
    expect(optionsIn(fetch)).toEqual([{ include_obfuscation: false }])
  })

  test('the retries for other failures are all left', async () => {
    const busy = { status: 529, body: '{}', headers: { 'retry-after-ms': '1' } }
    const fetch = faultyFetch((call, index) => (index === 0 ? { status: 400, body: 'stream_options' } : index < 3 ? busy : answerTo(call)))
    const heard = recorder()
    await chat({ fetch, callbacks: [heard] })
      .stream('Hi')
      .drain()
    expect(heard.trace().slice(0, 4)).toEqual(['S ChatOpenAI', 'R 1', 'R 2', 'R 3'])
  })
})

describe('ChatOpenAI as a runnable', () => {
  test('takes a question, messages, or what a prompt gives, and starts with messages', async () => {
    const heard = recorder()
    const model = chat({ fetch: answering(), callbacks: [heard], tags: ['mine'], metadata: { team: 'bears' } })
    await model.invoke('Hi')
    await ChatPromptTemplate.fromTemplate('Hi {name}').pipe(model).pipe(new StringOutputParser()).invoke({ name: 'bears' })
    heard.check()
    const starts = heard.events.flatMap((event) => (event.type === 'start' ? [event.input] : []))
    expect(starts).toEqual([[{ role: 'user', content: 'Hi' }], [{ role: 'user', content: 'Hi bears' }]])
    expect(heard.events[0]?.run).toMatchObject({ name: 'ChatOpenAI', kind: 'chat_model', tags: ['mine'], metadata: { team: 'bears' } })
  })

  test('bind gives the same model with other options for its calls, and leaves the first as it was', async () => {
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

  test('is answered by the offline model, streamed and whole', async () => {
    const model = chat({ apiKey: 'offline', fetch: offlineFetch() })
    const run = model.stream('What is 17 + 4?')
    await run.drain()
    expect(await run.outcome).toMatchObject({ output: { content: '17 + 4 = 21.', stopReason: 'stop' }, usage: { inputTokens: 6 } })
    expect(await model.invoke('What is 17 + 4?')).toMatchObject({ content: '17 + 4 = 21.' })
    expect(await llm({ fetch: offlineFetch() }).invoke('2 + 2')).toBe('2 + 2 = 4.')
  })
})

describe('OpenAI as a runnable', () => {
  test('takes a text and gives a text; usage is in its end, and in the outcome', async () => {
    const heard = recorder()
    const model = llm({ fetch: answering(), callbacks: [heard] })
    expect(await PromptTemplate.fromTemplate('Hi {name}').pipe(model).invoke({ name: 'bears' })).toBe('Hello')
    heard.check()
    expect(heard.events[0]).toMatchObject({ type: 'start', input: 'Hi bears', run: { name: 'OpenAI', kind: 'llm' } })
    expect(heard.events.at(-1)).toMatchObject({ type: 'end', output: 'Hello', usage: { inputTokens: 3, outputTokens: 2 } })
  })

  test('messages are written out, as LangChain does', async () => {
    const fetch = answering()
    const prompt = ChatPromptTemplate.fromMessages([
      ['system', 'Be brief.'],
      ['human', 'Hi {name}'],
    ])
    await prompt.pipe(llm({ fetch })).invoke({ name: 'bears' })
    expect(fetch.calls[0]?.body).toMatchObject({ prompt: 'System: Be brief.\nHuman: Hi bears' })
  })

  test('streaming: true has its tokens heard on invoke, one by one', async () => {
    const heard: string[] = []
    const model = llm({ fetch: answering(), streaming: true, callbacks: [{ onLlmNewToken: (token) => void heard.push(token) }] })
    expect(await model.invoke('Hi')).toBe('Hello')
    expect(heard).toEqual(['Hel', 'lo'])
  })

  test('bind gives the same model with other options for its calls', async () => {
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

  test('needs no key of ours, carries the request, and has its own retries off', async () => {
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

  test('what it throws for a status is the server’s refusal, tried again as ever, without its key (P11)', async () => {
    // The SDK gives what was in the braces of `error`.
    const error = { type: 'requests', message: `Slow down, ${KEY}`, code: 'rate_limit_exceeded' }
    const headers = new Headers({ 'retry-after-ms': '1', 'x-request-id': 'req_1' })
    const { create, chatting } = serving(() => Promise.reject(Object.assign(new Error(`429 ${KEY}`), { status: 429, headers, error })))
    const heard = recorder()
    const run = new ChatOpenAI({ client: chatting, maxRetries: 1, callbacks: [heard] }).stream('Hi')
    await expect(run.drain()).rejects.toMatchObject({
      code: 'http',
      status: 429,
      providerType: 'requests',
      requestId: 'req_1',
      retryAfterMs: 1,
    })
    expect(create).toHaveBeenCalledTimes(2)
    expect(mentions([heard.events, await run.outcome], KEY)).toEqual([])
  })

  test('a connection that it could not make is tried again; what it refuses to send is not', async () => {
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
