import { ChaintapError, ChatPromptTemplate, lambda, ModelError, type RunEvent, StringOutputParser, TruncatedError } from 'chaintap'
import { type ParsedRequest, type ResponseFormat, type ServeOptions, serve } from 'chaintap/edge'
import { decoder, parse } from 'chaintap/json'
import { RemoteRunnable } from 'chaintap/remote'
import { scriptedModel } from 'chaintap/testing'
import { afterEach, expect, test, vi } from 'vitest'
import { z } from 'zod'

const chain = scriptedModel([['Hel', 'lo']]).pipe(new StringOutputParser())
const echo = lambda((input: unknown) => JSON.stringify(input), { name: 'Echo' })

const post = (body: unknown, headers: Record<string, string> = {}): Request =>
  new Request('https://app.example/api', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

const asText = { accept: 'text/plain' }
const ui = { id: 'c', trigger: 'submit-message', messages: [{ id: 'm', role: 'user', parts: [{ type: 'text', text: 'hi' }] }] }
const openai = { model: 'm', stream: true, messages: [{ role: 'user', content: 'hi' }] }

async function refused(request: Request, options: ServeOptions<{ ok: boolean }> = {}, ok = true): Promise<[number, string, Response]> {
  const response = await serve(chain, options)(request, { ok })
  const { error } = (await response.clone().json()) as { error: string }
  return [response.status, error, response]
}

/** Captures what is logged with console.error instead of printing it. */
function captureErrors(): readonly unknown[] {
  const logged: unknown[] = []
  vi.spyOn(console, 'error').mockImplementation((error: unknown) => void logged.push(error))
  return logged
}
afterEach(() => vi.restoreAllMocks())

const types: readonly [string, object, string | undefined, readonly ResponseFormat[] | undefined, string | number][] = [
  ['anything', { input: 'hi' }, '*/*', undefined, 'text/event-stream; charset=utf-8'],
  ['nothing', { input: 'hi' }, undefined, undefined, 'text/event-stream; charset=utf-8'],
  ['events', { input: 'hi' }, 'text/event-stream', undefined, 'text/event-stream; charset=utf-8'],
  ['text', { input: 'hi' }, 'text/plain', undefined, 'text/plain; charset=utf-8'],
  ['text before events', { input: 'hi' }, 'text/event-stream;q=0.5, text/plain', undefined, 'text/plain; charset=utf-8'],
  ['no text', { input: 'hi' }, 'text/plain;q=0, */*;q=0.1', undefined, 'text/event-stream; charset=utf-8'],
  ['any text, of a server that likes bare text best', { input: 'hi' }, 'text/*', ['text', 'events'], 'text/plain; charset=utf-8'],
  ['lines', { input: 'hi' }, 'application/jsonl', undefined, 'application/x-ndjson; charset=utf-8'],
  ['a picture', { input: 'hi' }, 'image/png', undefined, 406],
  ['text of a server that gives events alone', { input: 'hi' }, 'text/plain', ['events'], 406],
  ['useChat', ui, '*/*', undefined, 'text/event-stream'],
  ['useChat with TextStreamChatTransport', ui, '*/*', ['text'], 'text/plain; charset=utf-8'],
  ['useChat, at a server that does not know it', ui, '*/*', ['events'], 406],
  ['an OpenAI client', openai, 'application/json', undefined, 'text/event-stream; charset=utf-8'],
  ['an OpenAI client, at a server that does not know it', openai, 'application/json', ['events', 'text'], 406],
  ['an OpenAI client that asks for an event stream', openai, 'text/event-stream', undefined, 'text/event-stream; charset=utf-8'],
  ['an OpenAI client by axios', openai, 'application/json, text/plain, */*', undefined, 'text/event-stream; charset=utf-8'],
  ['useChat, asking for an event stream', ui, 'text/event-stream', undefined, 'text/event-stream'],
  ['an OpenAI client that reads bare text', openai, 'text/plain', undefined, 'text/plain; charset=utf-8'],
]
test.each(types)('serve() chooses the format for Accept: %s', async (_, body, accept, formats, expected) => {
  const served = await serve(chain, formats ? { formats } : {})(post(body, accept === undefined ? {} : { accept }), {})
  if (typeof expected === 'number') expect(served.status).toBe(expected)
  else expect(served.headers.get('content-type')).toBe(expected)
  await served.text()
})

test('serve() validates the input with a schema, reports each issue with its path, and passes the schema’s output to the chain', async () => {
  const schema = z.object({ animal: z.string(), count: z.coerce.number().default(2) })
  const [status, error] = await refused(post({ input: { animal: 7 } }), { schema })
  expect(status).toBe(400)
  expect(error).toContain('- animal: ')
  const issues = (await (await serve(chain, { schema })(post({ input: { animal: 7 } }), {})).json()) as { issues: unknown }
  expect(issues.issues).toEqual([{ path: ['animal'], message: expect.any(String) }])
  const served = await serve(echo, { schema })(post({ input: { animal: 'bear' } }, asText), {})
  expect(JSON.parse(await served.text())).toEqual({ animal: 'bear', count: 2 })
})

test('serve() accepts a JSON Schema', async () => {
  const schema = { type: 'object', properties: { animal: { type: 'string' } }, required: ['animal'] }
  expect((await refused(post({ input: {} }), { schema }))[0]).toBe(400)
  expect(await (await serve(echo, { schema })(post({ input: { animal: 'bear' } }, asText), {})).text()).toBe('{"animal":"bear"}')
})

test('guards run before the body is read: true, false, a number of seconds, a Response', async () => {
  const body = new ReadableStream({ pull: () => Promise.reject(new Error('was read')) }, { highWaterMark: 0 })
  const unread = (headers: Record<string, string> = {}): Request => Object.defineProperty(post({}, headers), 'body', { get: () => body })
  const say = (status: number): Response => Response.json({ error: 'mine' }, { status })
  const cases: [ServeOptions<{ ok: boolean }>, Record<string, string>, number, Record<string, string>][] = [
    [{ access: (_request, { ok }) => !ok }, {}, 401, { 'www-authenticate': 'Bearer' }],
    [{ access: async () => false }, { authorization: 'Bearer x' }, 403, {}],
    [{ access: () => say(418) }, {}, 418, {}],
    [{ access: () => true, rateLimit: () => false }, {}, 429, { 'retry-after': '60' }],
    [{ rateLimit: async () => 2.5 }, {}, 429, { 'retry-after': '3' }],
    [{ rateLimit: () => say(503) }, {}, 503, {}],
  ]
  for (const [options, headers, status, expected] of cases) {
    const [came, error, response] = await refused(unread(headers), options)
    expect([came, typeof error]).toEqual([status, 'string'])
    for (const [name, value] of Object.entries(expected)) expect(response.headers.get(name)).toBe(value)
  }
  const allowed = await serve(chain, { access: () => true, rateLimit: () => true })(post({ input: 'hi' }, asText), {})
  expect(await allowed.text()).toBe('Hello')
})

test('a guard that returns undefined denies the request', async () => {
  for (const answer of [undefined, null, '', 0]) {
    expect((await refused(post({ input: 'hi' }), { access: () => answer as never }))[0]).toBe(401)
  }
  for (const answer of [undefined, null, Number.NaN, 0]) {
    const [status, , response] = await refused(post({ input: 'hi' }), { rateLimit: async () => answer as never })
    expect([status, response.headers.get('retry-after')]).toEqual([429, '60'])
  }
})

test('pages of the origins in cors can call, and can read refusals', async () => {
  const origin = 'https://page.example'
  const asked = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type, x-stainless-os' }
  const ask = new Request('https://app.example/api', { method: 'OPTIONS' })
  // Pages cannot set these headers: they are what the browser sends.
  Object.defineProperty(ask, 'headers', {
    value: { get: (name: keyof typeof asked) => asked[name] ?? null, has: (name: string) => name in asked },
  })
  const from = (request: Request): Request => {
    const { headers } = request
    return Object.defineProperty(request, 'headers', {
      value: { get: (name: string) => (name === 'origin' ? origin : headers.get(name)), has: (name: string) => headers.has(name) },
    })
  }
  const preflight = await serve(chain, { cors: { origin: [origin], maxAge: 5 } })(ask, {})
  expect(preflight.status).toBe(204)
  expect(Object.fromEntries(preflight.headers)).toMatchObject({
    'access-control-allow-origin': origin,
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': 'content-type, x-stainless-os',
    'access-control-max-age': '5',
    vary: 'Origin',
  })
  const allowed: [ServeOptions['cors'], string | null][] = [
    [{ origin: '*' }, '*'],
    [{ origin: () => true, credentials: true }, origin],
    [{ origin }, origin],
    [{ origin: (caller) => caller.endsWith('.example') }, origin],
    [{ origin: 'https://other.example' }, null],
    [undefined, null],
  ]
  for (const [cors, expected] of allowed) {
    for (const body of [{ input: 'hi' }, { wrong: 1 }]) {
      const response = await serve(chain, cors ? { cors } : {})(from(post(body, asText)), {})
      expect(response.headers.get('access-control-allow-origin')).toBe(expected)
      expect(response.headers.get('access-control-allow-credentials')).toBe(cors?.credentials ? 'true' : null)
      await response.text()
    }
  }
})

test('serve() throws if cors lets any page call with cookies', () => {
  for (const origin of ['*', 'null', ['*'], ['https://page.example', 'null']]) {
    expect(() => serve(chain, { cors: { origin, credentials: true } })).toThrow(/credentials is true and origin is "(\*|null)"/)
    expect(() => serve(chain, { cors: { origin } })).not.toThrow()
    expect(() => serve(chain, { cors: { origin, credentials: false } })).not.toThrow()
  }
  expect(() => serve(chain, { cors: { origin: ['https://page.example'], credentials: true } })).not.toThrow()
})

/** A request whose body arrives in pieces, with a pause before each. A pause of Infinity never ends. */
function slowly(pieces: readonly string[], pauseMs: number, onCancel: () => void = () => {}): Request {
  const left = [...pieces]
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        await (pauseMs === Number.POSITIVE_INFINITY ? new Promise(() => {}) : new Promise((resolve) => setTimeout(resolve, pauseMs)))
        const next = left.shift()
        if (next === undefined) controller.close()
        else controller.enqueue(new TextEncoder().encode(next))
      },
      cancel: onCancel,
    },
    { highWaterMark: 0 },
  )
  return Object.defineProperty(post({}, asText), 'body', { get: () => body })
}

test('a body that pauses for longer than bodyIdleMs is refused with 408, and so is one that never ends', async () => {
  const cancelled = vi.fn()
  const [status, error] = await refused(slowly(['{"inp'], Number.POSITIVE_INFINITY, cancelled), { bodyIdleMs: 20 })
  expect([status, error]).toEqual([408, 'The body did not arrive in time.'])
  expect(cancelled).toHaveBeenCalledOnce()
  const drip = Array.from({ length: 10_000 }, () => ' ')
  expect((await refused(slowly(drip, 5, cancelled), { bodyIdleMs: 25 }))[0]).toBe(408)
  expect(cancelled).toHaveBeenCalledTimes(2)
})

test('a body whose pauses are within bodyIdleMs is accepted, and any with bodyIdleMs: 0', async () => {
  for (const bodyIdleMs of [1_000, 0, Number.POSITIVE_INFINITY]) {
    const response = await serve(chain, { bodyIdleMs })(slowly(['{"in', 'put"', ':"hi"}'], 5), {})
    expect(await response.text()).toBe('Hello')
  }
})

test('an origin for which the cors function throws is denied, and the error is logged', async () => {
  const logged = captureErrors()
  const broken = new TypeError('Invalid URL')
  const origin = (): boolean => {
    throw broken
  }
  const request = post({ input: 'hi' }, asText)
  const { headers } = request
  Object.defineProperty(request, 'headers', {
    value: { get: (name: string) => (name === 'origin' ? 'null' : headers.get(name)), has: (name: string) => headers.has(name) },
  })
  const response = await serve(chain, { cors: { origin } })(request, {})
  expect(response.headers.get('access-control-allow-origin')).toBe(null)
  expect(await response.text()).toBe('Hello')
  expect(logged).toEqual([broken])
})

test('CORS headers replace the same headers of a guard’s Response', async () => {
  const headers = { 'access-control-allow-origin': 'https://old.example', vary: 'Accept' }
  const guarded = serve(chain, { cors: { origin: '*' }, access: () => Response.json({}, { status: 403, headers }) })
  const request = post({ input: 'hi' })
  Object.defineProperty(request, 'headers', { value: { get: (name: string) => (name === 'origin' ? 'https://page.example' : null) } })
  const response = await guarded(request, {})
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
  expect(response.headers.get('vary')).toBe('Accept')
})

test('an error thrown by a guard or the chain function responds with 500 without its message, and is logged', async () => {
  const logged = captureErrors()
  const secret = new Error('the password is xyzzy')
  const broken: [Parameters<typeof serve>[0], ServeOptions][] = [
    [
      () => {
        throw secret
      },
      {},
    ],
    [chain, { access: () => Promise.reject(secret) }],
    [chain, { rateLimit: () => Promise.reject(secret) }],
    [
      chain,
      {
        schema: z.unknown().transform(() => {
          throw secret
        }),
      },
    ],
    [async () => Promise.reject(secret), {}],
  ]
  for (const [made, options] of broken) {
    const response = await serve(made, options)(post({ input: 'hi' }), {})
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('xyzzy')
  }
  expect(logged).toEqual(broken.map(() => secret))
  const exposed = await serve(chain, { access: () => Promise.reject(secret), exposeErrors: true })(post({ input: 'hi' }), {})
  expect(await exposed.json()).toEqual({ error: 'the password is xyzzy' })
})

test('the chain function receives the parsed request', async () => {
  const asks: ParsedRequest[] = []
  const made = serve((_env, _request, ask) => {
    asks.push(ask)
    return chain
  })
  await (await made(post(openai), {})).text()
  expect(asks).toMatchObject([{ format: 'openai', input: [{ role: 'user', content: 'hi' }], body: { model: 'm' } }])
})

test('options bound by the server override those of the caller', async () => {
  const runs: RunEvent['run'][] = []
  const bound = echo.withConfig({ metadata: { user: 'ann' }, tags: ['chat'], runName: 'Chat' })
  const options = { metadata: { user: 'bob', page: 1 }, tags: ['beta'], runName: 'Mine' }
  for (const served of [bound, echo]) {
    await (
      await serve(served, { callbacks: [({ run, type }) => void (type === 'start' && runs.push(run))] })(post({ input: 'hi', options }), {})
    ).text()
  }
  expect(runs).toMatchObject([
    { name: 'Chat', metadata: { user: 'ann', page: 1 }, tags: expect.arrayContaining(['chat', 'beta']) },
    { name: 'Mine', metadata: { user: 'bob', page: 1 }, tags: ['beta'] },
  ])
})

test('the chain function may be async', async () => {
  const made = serve(async (env: { greeting: string }) => scriptedModel([env.greeting]).pipe(new StringOutputParser()))
  expect(await (await made(post({ input: 'hi' }, asText), { greeting: 'Hey' })).text()).toBe('Hey')
})

test('fromMessages converts a conversation to the chain’s input', async () => {
  const model = scriptedModel(['ok'])
  const prompt = ChatPromptTemplate.fromMessages([
    ['system', 'Be brief.'],
    ['placeholder', '{history}'],
  ])
  const made = serve(prompt.pipe(model).pipe(new StringOutputParser()), { fromMessages: (history) => ({ history }) })
  for (const body of [ui, openai]) await (await made(post(body), {})).text()
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'hi' },
  ]
  expect(model.record.inputs).toEqual([messages, messages])
})

test('an invalid conversation is refused with 400 and a message', async () => {
  const wrong: object[] = [
    { messages: [] },
    { messages: ['hi'] },
    { messages: [{ role: 'king', content: 'hi' }] },
    { messages: [{ role: 'user', content: [{ type: 'input_audio' }] }] },
    { messages: [{ role: 'user', content: 5 }] },
    {
      messages: [
        { role: 'user', parts: [] },
        { role: 'user', content: 'hi' },
      ],
    },
    { messages: [{ role: 'king', parts: [] }] },
    { messages: [{ role: 'assistant', parts: [null] }] },
    { messages: [{ role: 'user', parts: [{ text: 'hi' }] }] },
    { messages: [{ role: 'user', parts: [{ type: 'file', mediaType: 'application/pdf', url: 'https://x.example/a.pdf' }] }] },
    { messages: 'hi' },
  ]
  for (const body of wrong) {
    const [status, error] = await refused(post(body))
    expect(status).toBe(400)
    expect(error).toMatch(/\w+ \w+/)
  }
})

const failure = new ModelError('http', 'The key sk-secret of acme is wrong.', {
  status: 401,
  requestId: 'req_1',
  cause: new Error('sk-secret'),
})

test('callers receive the class and code of errors, not the message', async () => {
  const logged = captureErrors()
  const failing = scriptedModel([{ tokens: ['a'], error: failure }]).pipe(new StringOutputParser())
  for (const [body, headers] of [
    [{ input: 'hi' }, {}],
    [{ input: 'hi' }, { accept: 'application/x-ndjson' }],
    [ui, {}],
    [openai, {}],
    [{ ...openai, stream: false }, {}],
  ] as const) {
    const text = await (await serve(failing)(post(body, headers), {})).text()
    expect(text).not.toContain('sk-secret')
    expect(text).toContain('The model could not answer.')
  }
  expect(logged).toEqual(Array(5).fill(failure))
  const frames = (await (await serve(failing)(post({ input: 'hi' }), {})).text()).split('\n\n')
  const decode = decoder()
  const events = frames.filter((frame) => frame.startsWith('id:')).map((frame) => decode(frame.slice(frame.indexOf('data: ') + 6)))
  const errors = events.flatMap((event: RunEvent) => (event.type === 'error' ? [event.error] : []))
  const outcome = parse(frames.at(-2)?.split('data: ')[1] ?? '') as { error: unknown }
  for (const error of [...errors, outcome.error]) {
    expect(error).toBeInstanceOf(ModelError)
    expect(error).toMatchObject({ code: 'http', status: 401, requestId: 'req_1', message: 'The model could not answer.' })
    expect((error as Error).cause).toBeUndefined()
  }
  expect(errors).toHaveLength(3)
})

test('callers receive a generic message for other errors, and the reason of a stop', async () => {
  captureErrors()
  const errorOf = async (error: Error): Promise<unknown> => {
    const text = await (await serve(scriptedModel([error]))(post({ input: 'hi' }), {})).text()
    return (parse(text.slice(text.lastIndexOf('data: ') + 6)) as { error: unknown }).error
  }
  expect(await errorOf(new Error('xyzzy'))).toEqual(new Error('Something went wrong on the server.'))
  const typed = await errorOf(new ChaintapError('invalid_input', 'xyzzy'))
  expect(typed).toBeInstanceOf(ChaintapError)
  expect([(typed as ChaintapError).code, (typed as ChaintapError).message]).toEqual([
    'invalid_input',
    'Something went wrong on the server.',
  ])
  const late = scriptedModel(['late'], { delayMs: 10_000 }).withConfig({ timeout: 5 })
  expect(await (await serve(late)(post({ input: 'hi' }), {})).text()).toContain('ScriptedModel took longer than 5 ms.')
})

test('exposeErrors sends the messages of errors, or those that its function returns', async () => {
  const logged = captureErrors()
  const textFor = async (exposeErrors: ServeOptions['exposeErrors']): Promise<string> =>
    (await serve(scriptedModel([failure]), exposeErrors === undefined ? {} : { exposeErrors })(post({ input: 'hi' }), {})).text()
  expect(await textFor(true)).toContain('The key sk-secret of acme is wrong.')
  const text = await textFor((error) => `Sorry (${(error as ModelError).code}).`)
  expect(text).toContain('Sorry (http).')
  expect(text).not.toContain('sk-secret')
  expect(logged).toEqual([])
})

test('the exposeErrors function is called once for an error that fails several runs', async () => {
  const asked: unknown[] = []
  const made = serve(scriptedModel([failure]).pipe(new StringOutputParser()), { exposeErrors: (error) => `Sorry (${asked.push(error)}).` })
  const text = await (await made(post({ input: 'hi' }), {})).text()
  expect(asked).toEqual([failure])
  // In the events of both runs, and in the outcome.
  expect(text.match(/Sorry \(1\)/g)).toHaveLength(3)
})

test('if the exposeErrors function throws, callers receive the generic message', async () => {
  const broken = new Error('the template of xyzzy is missing')
  const exposeErrors = (): string => {
    throw broken
  }
  const asks: [object, Record<string, string>, RegExp][] = [
    [{ input: 'hi' }, {}, /event: outcome\n/],
    [{ input: 'hi' }, { accept: 'application/x-ndjson' }, /"type":"outcome"/],
    [{ input: 'hi' }, asText, /"error"/],
    [ui, {}, /\[DONE\]/],
    [openai, {}, /\[DONE\]/],
    [{ ...openai, stream: false }, {}, /server_error/],
    [{ threadId: 't', runId: 'r', messages: [{ id: 'm', role: 'user', content: 'hi' }] }, {}, /RUN_ERROR/],
  ]
  for (const [body, headers, end] of asks) {
    const logged = captureErrors()
    const text = await (await serve(scriptedModel([failure]), { exposeErrors })(post(body, headers), {})).text()
    expect(text).toMatch(end)
    expect(text).toContain('The model could not answer.')
    expect(text).not.toMatch(/xyzzy|sk-secret/)
    expect(logged).toContain(broken)
    expect(logged).toContain(failure)
  }
  const logged = captureErrors()
  const guarded = await serve(chain, { exposeErrors, access: () => Promise.reject(failure) })(post({ input: 'hi' }), {})
  expect([guarded.status, logged]).toEqual([500, [broken, failure]])
})

test('a truncated response of an upstream server does not reveal its address', async () => {
  const logged = captureErrors()
  const cut = new Response(
    'event: start\ndata: {"run":{"id":"a","rootId":"a","name":"A","kind":"chain","tags":[],"metadata":{}},"at":1,"seq":0,"type":"start"}\n\n',
    {
      headers: { 'content-type': 'text/event-stream' },
    },
  )
  const behind = new RemoteRunnable<unknown, string>('http://10.0.0.7/inner', { fetch: async () => cut })
  const text = await (await serve(behind)(post({ input: 'hi' }), {})).text()
  expect(text).not.toContain('10.0.0.7')
  expect(text).toContain('"code":"truncated"')
  expect(parse(text.slice(text.lastIndexOf('data: ') + 6))).toMatchObject({ status: 'truncated', error: expect.any(TruncatedError) })
  expect(String(logged)).toContain('10.0.0.7')
})

test('serve() sends only the events that its options select', async () => {
  const served = serve(chain, { events: { exclude: { types: ['start'] } } })
  const text = await (await served(post({ input: 'a secret prompt' }), {})).text()
  expect(text).not.toContain('a secret prompt')
  expect(text).toContain('event: token')
  const parts = await (await served(post(ui), {})).text()
  expect(parts).toContain('"delta":"Hel"')
})

test('a response continues the message whose tool calls the page has answered', async () => {
  const [question] = ui.messages
  const asked = {
    id: 'mine',
    role: 'assistant',
    parts: [{ type: 'tool-f', toolCallId: 'a', state: 'output-available', input: {}, output: 1 }],
  }
  const idOf = async (messages: readonly unknown[]): Promise<unknown> => {
    const text = await (await serve(chain)(post({ ...ui, messages }), {})).text()
    return (JSON.parse(text.slice('data: '.length, text.indexOf('\n'))) as { messageId: unknown }).messageId
  }
  expect(await idOf([question, asked])).toBe('mine')
  expect(await idOf([question])).not.toBe('m')
})
