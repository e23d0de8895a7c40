import { ChaintapError, StringOutputParser } from 'chaintap'
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
const made = (options: ChatAnthropicOptions = {}): ChatAnthropic =>
  new ChatAnthropic({ apiKey: KEY, dangerouslyAllowBrowser: true, ...options })

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

describe('making a ChatAnthropic', () => {
  test('a missing key is an error at once, which shows the line to write', () => {
    for (const apiKey of [undefined, '', ' \n']) {
      expect(thrown(() => made({ apiKey }))).toMatchObject({
        code: 'missing_key',
        message: expect.stringContaining('apiKey: env.ANTHROPIC_API_KEY'),
      })
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
    expect(thrown(() => new ChatAnthropic({ apiKey: KEY }))).toMatchObject({
      code: 'key_in_browser',
      message: expect.stringMatching(/every visitor can read.*RemoteRunnable.*dangerouslyAllowBrowser: true/s),
    })
    expect(() => made()).not.toThrow()
  })

  test('a number of retries that is none is an error', () => {
    for (const maxRetries of [-1, 1.5, Number.NaN]) expect(thrown(() => made({ maxRetries }))).toMatchObject({ code: 'invalid_options' })
  })
})

describe('what ChatAnthropic sends', () => {
  const asked = async (options: ChatAnthropicOptions): Promise<{ url: string; headers: Headers }> => {
    const calls: [string, RequestInit][] = []
    const inner = answering()
    const fetch = ((url: string, init: RequestInit) => {
      calls.push([url, init])
      return inner(url, init)
    }) as typeof globalThis.fetch
    await made({ fetch, ...options }).invoke('Hi')
    const [[url, { headers }] = ['', {}]] = calls
    return { url, headers: new Headers(headers) }
  }

  test('the key, the version of the API, and in a page the header that allows for it', async () => {
    const { url, headers } = await asked({ apiKey: `${KEY}\n` })
    expect(url).toBe('https://api.anthropic.com/v1/messages')
    expect(Object.fromEntries(headers)).toEqual({
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
      'anthropic-dangerous-direct-browser-access': 'true',
      'x-api-key': KEY,
    })
  })

  test('to another address, with headers of the caller’s over its own', async () => {
    const { url, headers } = await asked({
      baseURL: 'https://gateway.example/anthropic/',
      headers: { 'Anthropic-Version': '2026-10-21', 'x-team': 'bears' },
    })
    expect(url).toBe('https://gateway.example/anthropic/v1/messages')
    expect(headers.get('anthropic-version')).toBe('2026-10-21')
    expect(headers.get('x-team')).toBe('bears')
  })

  test('a key given as a function is asked for before each attempt', async () => {
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
    await made({ apiKey: async () => keys.shift() ?? '', fetch }).invoke('Hi')
    expect(seen).toEqual(['first-key', 'second-key'])
  })

  test('a function that fails, or gives no key, fails the run and is not asked again', async () => {
    const fetch = answering()
    const failing = vi.fn(() => Promise.reject(new Error('the vault is closed')))
    await expect(made({ apiKey: failing, fetch }).invoke('Hi')).rejects.toMatchObject({
      code: 'missing_key',
      cause: { message: 'the vault is closed' },
    })
    await expect(made({ apiKey: () => '', fetch }).invoke('Hi')).rejects.toMatchObject({ code: 'missing_key' })
    expect(failing).toHaveBeenCalledOnce()
    expect(fetch.calls).toEqual([])
  })

  test('by a fetch that is called without a this, as engines want it', async () => {
    const inner = answering()
    const fetch = function (this: unknown, url: string, init: RequestInit) {
      if (this !== undefined) throw new TypeError('Illegal invocation')
      return inner(url, init)
    } as typeof globalThis.fetch
    expect(await made({ fetch }).invoke('Hi')).toMatchObject({ content: 'Hello' })
  })

  test('by the engine’s fetch where none is given', async () => {
    const fetch = answering()
    vi.stubGlobal('fetch', fetch)
    expect(await made().invoke('Hi')).toMatchObject({ content: 'Hello' })
    expect(fetch.calls).toHaveLength(1)
  })
})

describe('ChatAnthropic as a runnable', () => {
  test('takes a question, messages, or what a prompt gives, and starts with messages', async () => {
    const heard = recorder()
    const inputs = ['Hi', { role: 'human', content: 'Hi' }, [['system', 'Be brief.'], 'Hi']] as const
    for (const input of inputs) await made({ fetch: answering(), callbacks: [heard] }).invoke(input)
    heard.check()
    const user = { role: 'user', content: 'Hi' }
    const starts = heard.events.flatMap((event) => (event.type === 'start' ? [event.input] : []))
    expect(starts).toEqual([[user], [user], [{ role: 'system', content: 'Be brief.' }, user]])
  })

  test('an input that is no message fails its run, and asks for nothing', async () => {
    const fetch = answering()
    const heard = recorder()
    const model = made({ fetch, callbacks: [heard] })
    await expect(model.invoke({ role: 'bear', content: 'Hi' } as never)).rejects.toMatchObject({ code: 'invalid_message' })
    expect(heard.trace()).toEqual(['S ChatAnthropic', 'X ChatAnthropic'])
    expect(fetch.calls).toEqual([])
  })

  test('its constructor’s callbacks, tags and metadata are on its own runs alone (P7)', async () => {
    const heard = recorder()
    const model = made({ fetch: answering(), callbacks: [heard], tags: ['mine'], metadata: { team: 'bears' } })
    await model.pipe(new StringOutputParser()).invoke('Hi')
    expect(heard.trace()).toEqual(['S ChatAnthropic', 'E ChatAnthropic'])
    expect(heard.events[0]?.run).toMatchObject({ kind: 'chat_model', metadata: { team: 'bears' } })
    expect(heard.events[0]?.run.tags).toContain('mine')
  })

  test('streams inside a chain that is streamed, and only there', async () => {
    const fetch = answering()
    const chain = made({ fetch }).pipe(new StringOutputParser())
    const texts: string[] = []
    for await (const text of chain.stream('Hi')) texts.push(text)
    expect(texts).toEqual(['Hel', 'lo'])
    expect(await chain.invoke('Hi')).toBe('Hello')
    expect(fetch.calls.map(({ body }) => (body as { stream: boolean }).stream)).toEqual([true, false])
  })

  test('bind gives the same model with other options for its calls, and leaves the first as it was', async () => {
    const fetch = answering()
    const heard = recorder()
    const model = made({ fetch, temperature: 1, maxTokens: 10, callbacks: [heard] })
    const bound = model.bind({ stop: ['!'], temperature: 0 })
    expect(bound).toBeInstanceOf(ChatAnthropic)
    await bound.withConfig({ tags: ['a'] }).invoke('Hi')
    await model.invoke('Hi')
    expect(fetch.calls[0]?.body).toMatchObject({ temperature: 0, max_tokens: 10, stop_sequences: ['!'] })
    expect(fetch.calls[1]?.body).toMatchObject({ temperature: 1, max_tokens: 10 })
    expect(fetch.calls[1]?.body).not.toHaveProperty('stop_sequences')
    expect(heard.events.filter(({ type }) => type === 'end')).toHaveLength(2)
  })

  test('verbose prints its runs', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    await made({ fetch: answering(), verbose: true }).invoke('Hi')
    expect(log.mock.calls.join('\n')).toContain('Hello')
    expect(log.mock.calls.join('\n')).not.toContain(KEY)
  })
})

describe('an official client as transport', () => {
  const serving = (respond: () => Promise<Response>) => {
    const create = vi.fn((_body: object, _options?: { signal?: AbortSignal; maxRetries?: number }) => ({ asResponse: respond }))
    return { create, client: { baseURL: 'https://me:pass@api.example', apiKey: KEY, messages: { create } } satisfies AnthropicClient }
  }

  test('needs no key of ours, carries the request, and has its own retries off', async () => {
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

  test('what it throws for a status is the provider’s refusal, tried again as ever, without its key (P11)', async () => {
    const error = { type: 'error', error: { type: 'overloaded_error', message: `Overloaded, ${KEY}` }, request_id: 'req_1' }
    const headers = new Headers({ 'retry-after-ms': '1' })
    const { create, client } = serving(() => Promise.reject(Object.assign(new Error(`529 ${KEY}`), { status: 529, headers, error })))
    const heard = recorder()
    const run = new ChatAnthropic({ client, maxRetries: 1, callbacks: [heard] }).stream('Hi')
    await expect(run.drain()).rejects.toMatchObject({
      code: 'http',
      status: 529,
      providerType: 'overloaded_error',
      requestId: 'req_1',
      retryAfterMs: 1,
    })
    expect(create).toHaveBeenCalledTimes(2)
    expect(mentions([heard.events, await run.outcome], KEY)).toEqual([])
  })

  test('a connection that it could not make is tried again; what it refuses to send is not', async () => {
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
