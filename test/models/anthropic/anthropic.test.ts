import { ChaintapError, type ChatInput, StringOutputParser } from 'chaintap'
import { type AnthropicClient, ChatAnthropic, type ChatAnthropicOptions } from 'chaintap/anthropic'
import { anthropicJson, anthropicSse, type FaultyFetch, faultyFetch, recorder } from 'chaintap/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { mentions } from '../../support/secrets.ts'

const KEY = 'sk-ant-api03-AbCdEfGhIjKl'
const hello = { text: ['Hel', 'lo'], usage: { inputTokens: 3, outputTokens: 2 } }
const answering = (): FaultyFetch =>
  faultyFetch(({ body }) => {
    const { stream } = body as { stream: boolean }
    return { body: stream ? anthropicSse(hello) : JSON.stringify(anthropicJson(hello)) }
  })
const claude = (options: ChatAnthropicOptions = {}): ChatAnthropic =>
  new ChatAnthropic({ apiKey: KEY, dangerouslyAllowBrowser: true, ...options })

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

describe('new ChatAnthropic()', () => {
  test('throws missing_key without an API key, with the option to pass', () => {
    for (const apiKey of [undefined, '', ' \n']) {
      expect(constructorError(() => claude({ apiKey }))).toMatchObject({
        code: 'missing_key',
        message: expect.stringContaining('apiKey: env.ANTHROPIC_API_KEY'),
      })
    }
  })

  test('throws invalid_options for a key that no header can hold, without showing it (P11)', () => {
    const error = constructorError(() => claude({ apiKey: `${KEY}\n${KEY}` }))
    expect(error).toMatchObject({ code: 'invalid_options' })
    expect(mentions(error, KEY)).toEqual([])
  })

  test('throws key_in_browser in a page, with the reason and two alternatives', () => {
    if (!('window' in globalThis)) vi.stubGlobal('window', globalThis)
    if (!('document' in globalThis)) vi.stubGlobal('document', {})
    expect(constructorError(() => new ChatAnthropic({ apiKey: KEY }))).toMatchObject({
      code: 'key_in_browser',
      message: expect.stringMatching(/every visitor can read.*RemoteRunnable.*dangerouslyAllowBrowser: true/s),
    })
    expect(() => claude()).not.toThrow()
  })

  test('throws invalid_options for an invalid maxRetries', () => {
    for (const maxRetries of [-1, 1.5, Number.NaN])
      expect(constructorError(() => claude({ maxRetries }))).toMatchObject({ code: 'invalid_options' })
  })
})

describe('requests of ChatAnthropic', () => {
  const requestOf = async (options: ChatAnthropicOptions): Promise<{ url: string; headers: Headers }> => {
    const calls: [string, RequestInit][] = []
    const inner = answering()
    const fetch = ((url: string, init: RequestInit) => {
      calls.push([url, init])
      return inner(url, init)
    }) as typeof globalThis.fetch
    await claude({ fetch, ...options }).invoke('Hi')
    const [[url, { headers }] = ['', {}]] = calls
    return { url, headers: new Headers(headers) }
  }

  test('contain the key, the API version and the header for direct browser access', async () => {
    const { url, headers } = await requestOf({ apiKey: `${KEY}\n` })
    expect(url).toBe('https://api.anthropic.com/v1/messages')
    expect(Object.fromEntries(headers)).toEqual({
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
      'anthropic-dangerous-direct-browser-access': 'true',
      'x-api-key': KEY,
    })
  })

  test('use baseURL, and let the user’s headers override the library’s', async () => {
    const { url, headers } = await requestOf({
      baseURL: 'https://gateway.example/anthropic/',
      headers: { 'Anthropic-Version': '2026-10-21', 'x-team': 'bears' },
    })
    expect(url).toBe('https://gateway.example/anthropic/v1/messages')
    expect(headers.get('anthropic-version')).toBe('2026-10-21')
    expect(headers.get('x-team')).toBe('bears')
  })

  test('an apiKey function is called before each attempt', async () => {
    const keys = ['first-key', 'second-key']
    const seen: (string | null)[] = []
    const inner = faultyFetch([
      { status: 529, body: '{}', headers: { 'retry-after-ms': '1' } },
      { body: JSON.stringify(anthropicJson(hello)) },
    ])
    const fetch = ((url: string, init: RequestInit) => {
      seen.push(new Headers(init.headers).get('x-api-key'))
      return inner(url, init)
    }) as typeof globalThis.fetch
    await claude({ apiKey: async () => keys.shift() ?? '', fetch }).invoke('Hi')
    expect(seen).toEqual(['first-key', 'second-key'])
  })

  test('an apiKey function that fails, or returns no key, fails the run without a retry', async () => {
    const fetch = answering()
    const failing = vi.fn(() => Promise.reject(new Error('the vault is closed')))
    await expect(claude({ apiKey: failing, fetch }).invoke('Hi')).rejects.toMatchObject({
      code: 'missing_key',
      cause: { message: 'the vault is closed' },
    })
    await expect(claude({ apiKey: () => '', fetch }).invoke('Hi')).rejects.toMatchObject({ code: 'missing_key' })
    expect(failing).toHaveBeenCalledOnce()
    expect(fetch.calls).toEqual([])
  })

  test('call fetch without `this`, as engines require', async () => {
    const inner = answering()
    const fetch = function (this: unknown, url: string, init: RequestInit) {
      if (this !== undefined) throw new TypeError('Illegal invocation')
      return inner(url, init)
    } as typeof globalThis.fetch
    expect(await claude({ fetch }).invoke('Hi')).toMatchObject({ content: 'Hello' })
  })

  test('use globalThis.fetch by default', async () => {
    const fetch = answering()
    vi.stubGlobal('fetch', fetch)
    expect(await claude().invoke('Hi')).toMatchObject({ content: 'Hello' })
    expect(fetch.calls).toHaveLength(1)
  })
})

describe('ChatAnthropic as a runnable', () => {
  test('accepts a text, messages or a prompt’s value, and starts with messages', async () => {
    const record = recorder()
    const inputs = ['Hi', { role: 'human', content: 'Hi' }, [['system', 'Be brief.'], 'Hi']] as const
    for (const input of inputs) await claude({ fetch: answering(), callbacks: [record] }).invoke(input)
    record.check()
    const user = { role: 'user', content: 'Hi' }
    const starts = record.events.flatMap((event) => (event.type === 'start' ? [event.input] : []))
    expect(starts).toEqual([[user], [user], [{ role: 'system', content: 'Be brief.' }, user]])
  })

  test('an invalid message fails the run without a request', async () => {
    const fetch = answering()
    const record = recorder()
    const model = claude({ fetch, callbacks: [record] })
    await expect(model.invoke({ role: 'bear', content: 'Hi' } as never)).rejects.toMatchObject({ code: 'invalid_message' })
    expect(record.trace()).toEqual(['S ChatAnthropic', 'X ChatAnthropic'])
    expect(fetch.calls).toEqual([])
  })

  test.each<readonly [string, ChatInput]>([
    ['an empty text', ''],
    ['a blank text', ' \n'],
    ['no messages', []],
    ['only a system message', [['system', 'Be brief.']]],
    [
      'only empty messages',
      [
        ['system', 'Be brief.'],
        ['user', ''],
        ['assistant', []],
      ],
    ],
  ])('%s fails the run without a request, and the error says what to pass', async (_, input) => {
    const fetch = answering()
    const refusal = { code: 'invalid_message', message: expect.stringMatching(/requires a message.*pass a text/) }
    await expect(claude({ fetch }).invoke(input)).rejects.toMatchObject(refusal)
    expect(fetch.calls).toEqual([])
  })

  test('constructor callbacks, tags and metadata apply to its own runs only (P7)', async () => {
    const record = recorder()
    const model = claude({ fetch: answering(), callbacks: [record], tags: ['mine'], metadata: { team: 'bears' } })
    await model.pipe(new StringOutputParser()).invoke('Hi')
    expect(record.trace()).toEqual(['S ChatAnthropic', 'E ChatAnthropic'])
    expect(record.events[0]?.run).toMatchObject({ kind: 'chat_model', metadata: { team: 'bears' } })
    expect(record.events[0]?.run.tags).toContain('mine')
  })

  test('requests a stream only if its chain is streamed', async () => {
    const fetch = answering()
    const chain = claude({ fetch }).pipe(new StringOutputParser())
    const texts: string[] = []
    for await (const text of chain.stream('Hi')) texts.push(text)
    expect(texts).toEqual(['Hel', 'lo'])
    expect(await chain.invoke('Hi')).toBe('Hello')
    expect(fetch.calls.map(({ body }) => (body as { stream: boolean }).stream)).toEqual([true, false])
  })

  test('bind() returns a model with other call options, and leaves the original unchanged', async () => {
    const fetch = answering()
    const record = recorder()
    const model = claude({ fetch, temperature: 1, maxTokens: 10, callbacks: [record] })
    const bound = model.bind({ stop: ['!'], temperature: 0 })
    expect(bound).toBeInstanceOf(ChatAnthropic)
    await bound.withConfig({ tags: ['a'] }).invoke('Hi')
    await model.invoke('Hi')
    expect(fetch.calls[0]?.body).toMatchObject({ temperature: 0, max_tokens: 10, stop_sequences: ['!'] })
    expect(fetch.calls[1]?.body).toMatchObject({ temperature: 1, max_tokens: 10 })
    expect(fetch.calls[1]?.body).not.toHaveProperty('stop_sequences')
    expect(record.events.filter(({ type }) => type === 'end')).toHaveLength(2)
  })

  test('verbose prints its runs', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    await claude({ fetch: answering(), verbose: true }).invoke('Hi')
    expect(log.mock.calls.join('\n')).toContain('Hello')
    expect(log.mock.calls.join('\n')).not.toContain(KEY)
  })
})

describe('an official client as transport', () => {
  const serving = (respond: () => Promise<Response>) => {
    const create = vi.fn((_body: object, _options?: { signal?: AbortSignal; maxRetries?: number }) => ({ asResponse: respond }))
    return { create, client: { baseURL: 'https://me:pass@api.example', apiKey: KEY, messages: { create } } satisfies AnthropicClient }
  }

  test('needs no apiKey option, sends the request, and has its own retries disabled', async () => {
    const { create, client } = serving(
      async () => new Response(anthropicSse(hello).join(''), { headers: { 'content-type': 'text/event-stream' } }),
    )
    const model = new ChatAnthropic({ client, maxTokens: 7 })
    let text = ''
    for await (const part of model.pipe(new StringOutputParser()).stream('Hi')) text += part
    expect(text).toBe('Hello')
    expect(create).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ max_tokens: 7, stream: true }), {
      signal: expect.any(AbortSignal),
      maxRetries: 0,
    })
    expect(mentions(model, KEY)).toEqual([])
  })

  test('an error status of the SDK is retried and becomes a ModelError without the key (P11)', async () => {
    const error = { type: 'error', error: { type: 'overloaded_error', message: `Overloaded, ${KEY}` }, request_id: 'req_1' }
    const headers = new Headers({ 'retry-after-ms': '1' })
    const { create, client } = serving(() => Promise.reject(Object.assign(new Error(`529 ${KEY}`), { status: 529, headers, error })))
    const record = recorder()
    const run = new ChatAnthropic({ client, maxRetries: 1, callbacks: [record] }).stream('Hi')
    await expect(run.drain()).rejects.toMatchObject({
      code: 'http',
      status: 529,
      providerType: 'overloaded_error',
      requestId: 'req_1',
      retryAfterMs: 1,
    })
    expect(create).toHaveBeenCalledTimes(2)
    expect(mentions([record.events, await run.outcome], KEY)).toEqual([])
  })

  test('a failed connection is a network error; a request that the SDK rejects is not retried', async () => {
    const lost = serving(() => Promise.reject(Object.assign(new Error(`Connection error. ${KEY}`), { status: undefined })))
    await expect(new ChatAnthropic({ client: lost.client, maxRetries: 0 }).invoke('Hi')).rejects.toMatchObject({
      code: 'network',
      message: expect.stringContaining('https://api.example'),
    })
    const refused = serving(() => Promise.reject(new Error('Streaming is required')))
    const error = await new ChatAnthropic({ client: refused.client }).invoke('Hi').catch((error: unknown) => error)
    expect(error).toBeInstanceOf(ChaintapError)
    expect(error).toMatchObject({ code: 'invalid_options', message: expect.stringContaining('Streaming is required') })
    expect(refused.create).toHaveBeenCalledOnce()
  })
})
