import {
  AbortReason,
  ChaintapError,
  Disconnect,
  lambda,
  ModelError,
  type Runnable,
  StringOutputParser,
  TimeoutError,
  TruncatedError,
} from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { serve } from 'chaintap/edge'
import { RemoteError, RemoteRunnable } from 'chaintap/remote'
import { anthropicSse, faultyFetch, recorder, scriptedModel } from 'chaintap/testing'
import { expect, test, vi } from 'vitest'
import { patience } from '../support/patience.ts'
import { mentions } from '../support/secrets.ts'
import { counted, readAll, Talker, turn } from '../support/sources.ts'

const url = 'https://app.example/joke'
const chain = scriptedModel([['Hel', 'lo']]).pipe(new StringOutputParser())
const remoteOf = (served: Runnable<never, unknown, unknown>, options = {}) =>
  new RemoteRunnable<string, string>(url, { fetch: (request) => serve(served, { exposeErrors: true, ...options })(request, {}) })
const answering = (response: () => Response | Promise<Response>, options = {}) =>
  new RemoteRunnable<string, string>(url, { fetch: async () => response(), ...options })

/** Creates a response body that records how it is closed. */
function bodyOf(bytes: Uint8Array, size = bytes.length, stalls = false) {
  const body = counted(
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.slice(i * size, (i + 1) * size)),
    { stall: stalls },
  )
  return { body, response: new Response(body.stream, { headers: { 'content-type': 'text/event-stream' } }) }
}

async function bytesOf(served: Runnable<never, unknown, unknown>): Promise<Uint8Array> {
  const body = JSON.stringify({ input: 'hi' })
  const request = new Request(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  return new Uint8Array(await (await serve(served, { exposeErrors: true })(request, {})).arrayBuffer())
}

test('RemoteRunnable rethrows an error of the chain as an instance of its class, after the tokens before it', async () => {
  const error = new ModelError('http', 'overloaded', { status: 529, retryAfterMs: 1_000 })
  const recording = recorder()
  const run = remoteOf(scriptedModel([{ tokens: ['a'], error }]).pipe(new StringOutputParser())).stream('hi', { callbacks: [recording] })
  const read = await readAll(run)
  expect(read.chunks).toEqual(['a'])
  expect(read.error).toBeInstanceOf(ModelError)
  expect(read.error).toMatchObject({ message: 'overloaded', status: 529, retryAfterMs: 1_000 })
  expect(await run.outcome).toMatchObject({ status: 'failed', partial: 'a' })
  recording.check()
  expect(recording.trace().slice(-4)).toEqual(['X ScriptedModel', 'X StringOutputParser', 'X RunnableSequence', 'X RemoteRunnable'])
})

test('RemoteRunnable ends like the server’s run: timeout, truncated response, accepted truncated response', async () => {
  const stalling = new Talker(() => counted([['a']], { stall: true }))
  const late = remoteOf(stalling.withConfig({ timeout: 5 })).stream('hi')
  expect((await readAll(late)).error).toBeInstanceOf(TimeoutError)
  expect(await late.outcome).toMatchObject({ status: 'aborted', error: { code: 'timeout' } })
  const cut = remoteOf(scriptedModel([{ tokens: ['a'], error: new TruncatedError() }])).stream('hi')
  expect((await readAll(cut)).error).toBeInstanceOf(TruncatedError)
  expect(await cut.outcome).toMatchObject({ status: 'truncated' })
  const network = faultyFetch({ body: anthropicSse({ text: ['a', 'b'] }), truncateAfter: 400 })
  const model = new ChatAnthropic({ apiKey: 'k', fetch: network, dangerouslyAllowBrowser: true, onTruncated: 'accept' })
  const accepted = remoteOf(model.pipe(new StringOutputParser())).stream('hi')
  expect((await readAll(accepted)).error).toBeUndefined()
  expect(await accepted.outcome).toMatchObject({ status: 'truncated', error: expect.any(TruncatedError) })
})

test('RemoteRunnable rejects with a RemoteError that describes the response: refusal, HTML page, unreachable server', async () => {
  const refused = await remoteOf(chain, { schema: { type: 'number' } })
    .invoke('hi')
    .catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(RemoteError)
  expect(refused).toMatchObject({ code: 'http', status: 400, message: expect.stringContaining('The input does not match the schema') })
  const limited = answering(() => Response.json({ error: 'Slow down.' }, { status: 429, headers: { 'retry-after': '2' } }))
  await expect(limited.invoke('hi')).rejects.toMatchObject({
    status: 429,
    retryAfterMs: 2_000,
    message: expect.stringContaining('Slow down.'),
  })
  const page = new Response('<!doctype html><h1>Not here</h1>', { headers: { 'content-type': 'text/html' } })
  await expect(answering(() => page).invoke('hi')).rejects.toMatchObject({ code: 'wire', message: expect.stringContaining('text/html') })
  const crashed = answering(() => new Response('<h1>Bad gateway</h1>', { status: 502, headers: { 'content-type': 'text/html' } }))
  await expect(crashed.invoke('hi')).rejects.toMatchObject({ code: 'http', status: 502, message: expect.stringContaining('Bad gateway') })
  await expect(answering(() => Promise.reject(new TypeError('fetch failed'))).invoke('hi')).rejects.toMatchObject({
    code: 'network',
    message: expect.stringContaining('fetch failed'),
  })
  const other = new Response('data: {"choices":[]}\n\n', { headers: { 'content-type': 'text/event-stream' } })
  await expect(answering(() => other).invoke('hi')).rejects.toMatchObject({ code: 'wire' })
  const broken = new Response('event: token\ndata: {"run":1}\n\n', { headers: { 'content-type': 'text/event-stream' } })
  await expect(answering(() => broken).invoke('hi')).rejects.toMatchObject({ code: 'invalid_json' })
  await expect(remoteOf(chain).invoke(1n as never)).rejects.toMatchObject({ code: 'invalid_input' })
  expect(() => new RemoteRunnable('')).toThrow(ChaintapError)
})

test('a refused call emits one start and one error event', async () => {
  const recording = recorder()
  await expect(answering(() => new Response(null, { status: 401 })).invoke('hi', { callbacks: [recording] })).rejects.toThrow('401')
  recording.check()
  expect(recording.trace()).toEqual(['S RemoteRunnable', 'X RemoteRunnable'])
})

test('no error contains a token of the request headers (P11)', async () => {
  const secret = 'tok-0123456789abcdef'
  const headers = { authorization: `Bearer ${secret}` }
  const echoing = answering(() => Response.json({ error: `Bad token ${secret}` }, { status: 401 }), { headers })
  const failing = answering(() => Promise.reject(new TypeError(`Invalid header ${secret}`)), { headers })
  for (const remote of [echoing, failing]) {
    const recording = recorder()
    const error = await remote.invoke('hi', { callbacks: [recording] }).catch((thrown: unknown) => thrown)
    expect(mentions(error, secret)).toEqual([])
    expect(mentions(recording.events, secret)).toEqual([])
    expect(JSON.stringify(remote)).not.toContain(secret)
  }
})

test('no error contains the Idempotency-Key of the call (P11)', async () => {
  let key = ''
  const fetch = async ({ headers }: Request): Promise<Response> => {
    key = (headers.get('idempotency-key') ?? '').replaceAll('"', '')
    return Response.json({ error: `The key ${key} is in use.` }, { status: 409 })
  }
  const error = await new RemoteRunnable(url, { fetch }).invoke('hi').catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'http', status: 409, message: expect.stringContaining('is in use') })
  expect(mentions(error, key)).toEqual([])
})

test('a response cut off at any byte delivers the events before it once, then TruncatedError unless the run had ended (P1, P3)', async () => {
  const bytes = await bytesOf(lambda(() => 'Hello', { name: 'hello' }))
  const whole = recorder()
  await readAll(answering(() => bodyOf(bytes).response).stream('hi', { callbacks: [whole] }))
  const text = new TextDecoder().decode(bytes)
  const ended = text.lastIndexOf('\n\n', text.indexOf('event: outcome')) + 2
  for (let cut = 0; cut < bytes.length; cut++) {
    const recording = recorder()
    const run = answering(() => bodyOf(bytes.slice(0, cut)).response).stream('hi', { callbacks: [recording] })
    const { chunks, error } = await readAll(run)
    recording.check()
    expect('Hello'.startsWith(chunks.join(''))).toBe(true)
    if (cut >= ended) {
      expect(error).toBeUndefined()
      expect(recording.trace()).toEqual(whole.trace())
    } else {
      expect(error).toBeInstanceOf(TruncatedError)
      expect(await run.outcome).toMatchObject({ status: 'truncated' })
      const lived = recording.trace().filter((line) => !line.startsWith('X '))
      expect(whole.trace().slice(0, lived.length)).toEqual(lived)
    }
  }
}, 60_000)

test('the events do not depend on how the bytes are split into chunks', async () => {
  const bytes = await bytesOf(scriptedModel([['é', '😀', 'x']]).pipe(new StringOutputParser()))
  const traces = new Set<string>()
  for (let size = 1; size < 80; size += 3) {
    const recording = recorder()
    expect(await answering(() => bodyOf(bytes, size).response).invoke('hi', { callbacks: [recording] })).toBe('é😀x')
    recording.check()
    traces.add(recording.trace().join())
  }
  expect(traces.size).toBe(1)
})

const leaving: Record<string, (remote: RemoteRunnable<string, string>, callbacks: ReturnType<typeof recorder>[]) => Promise<unknown>> = {
  break: async (remote, callbacks) => {
    for await (const _ of remote.stream('hi', { callbacks })) break
  },
  stop: async (remote, callbacks) => {
    const run = remote.stream('hi', { callbacks })
    const reading = readAll(run)
    await turn(5)
    run.stop()
    return reading
  },
  cancel: async (remote, callbacks) => {
    const reader = remote.stream('hi', { callbacks }).getReader()
    await reader.read()
    await reader.cancel()
  },
  abort: (remote, callbacks) => {
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 5)
    return readAll(remote.stream('hi', { callbacks, signal: abort.signal }))
  },
  timeout: (remote, callbacks) => readAll(remote.stream('hi', { callbacks, timeout: 5 })),
  'a step behind it fails': (remote, callbacks) => {
    const failing = remote.pipe({
      transform: () => {
        throw new Error('step')
      },
    })
    return readAll(failing.stream('hi', { callbacks }))
  },
}

for (const [way, leave] of Object.entries(leaving)) {
  test(`${way} closes the body and the server’s model, and every run ends (P1, P2)`, async () => {
    const [here, there] = [recorder(), recorder()]
    const talker = new Talker(() => counted([['a'], ['b']], { stall: true }))
    await leave(remoteOf(talker, { callbacks: [there] }), [here])
    await vi.waitFor(() => {
      for (const recording of [here, there]) {
        recording.check()
        expect(recording.open).toEqual([])
      }
      expect(talker.last.isOpen()).toBe(false)
      expect(there.events.at(-1)).toMatchObject({ type: 'error', error: { name: 'Disconnect' } })
    }, patience)
  })
}

test('a call stopped before the response is closed when the response arrives; a fetch that never settles blocks nothing', async () => {
  const { body, response } = bodyOf(new TextEncoder().encode(': hi\n\n'), 6, true)
  const late = Promise.withResolvers<Response>()
  const recording = recorder()
  const run = answering(() => late.promise).stream('hi', { callbacks: [recording] })
  const reading = readAll(run)
  await turn(2)
  run.stop()
  expect(await reading).toEqual({ chunks: [], error: undefined })
  recording.check()
  late.resolve(response)
  await vi.waitFor(() => expect(body.isOpen()).toBe(false), patience)
  const abort = new AbortController()
  const never = answering(() => new Promise(() => {})).stream('hi', { signal: abort.signal })
  setTimeout(() => abort.abort(new AbortReason('enough')), 2)
  expect((await readAll(never)).error).toMatchObject({ message: 'enough' })
})

test('a stream that is not read sends no request', async () => {
  let requests = 0
  const run = answering(() => {
    requests++
    return new Response()
  }).stream('hi')
  run.stop()
  await turn(2)
  expect(requests).toBe(0)
  expect(await run.outcome).toMatchObject({ status: 'aborted' })
})

test('1,000 early breaks leave no open run and no open socket', async () => {
  const bytes = await bytesOf(chain)
  const bodies: ReturnType<typeof bodyOf>['body'][] = []
  const remote = answering(() => {
    const { body, response } = bodyOf(bytes, 700, true)
    bodies.push(body)
    return response
  })
  await Promise.all(
    Array.from({ length: 1_000 }, async () => {
      // One recorder per call, because all calls receive runs with the same ids.
      const recording = recorder()
      for await (const event of remote.events('hi', { callbacks: [recording] })) if (event.type === 'token') break
      recording.check()
      expect(recording.open).toEqual([])
    }),
  )
  await vi.waitFor(() => {
    expect(bodies.length).toBe(1_000)
    expect(bodies.filter((body) => body.isOpen())).toEqual([])
  }, patience)
}, 30_000)

test('a connection without data for idleMs is lost; heartbeats are data', async () => {
  const { response, body } = bodyOf(await bytesOf(chain).then((bytes) => bytes.slice(0, 900)), 300, true)
  const silent = new RemoteRunnable<string, string>(url, { fetch: async () => response, idleMs: 20 })
  const { error } = await readAll(silent.stream('hi'))
  expect(error).toBeInstanceOf(TruncatedError)
  expect(error).toMatchObject({ cause: { code: 'network' } })
  expect(body.isOpen()).toBe(false)
  await expect(answering(() => new Promise(() => {}), { idleMs: 5 }).invoke('hi')).rejects.toMatchObject({ code: 'network' })
  const slow = new Talker(() => counted([['a'], ['b']], { before: () => turn(400) }))
  const served = (heartbeatMs: number, idleMs: number) =>
    new RemoteRunnable<string, string>(url, { fetch: (request) => serve(slow, { heartbeatMs })(request, {}), idleMs })
  expect(await served(5, 250).invoke('hi')).toBe('ab')
  expect(await served(Infinity, Infinity).invoke('hi')).toBe('ab')
})

test('idleMs does not elapse while the stream is not read', async () => {
  const remote = new RemoteRunnable<string, string>(url, { fetch: (request) => serve(chain)(request, {}), idleMs: 200 })
  const chunks: string[] = []
  for await (const chunk of remote.stream('hi')) {
    chunks.push(chunk)
    await turn(300)
  }
  expect(chunks).toEqual(['Hel', 'lo'])
})

test('a served RemoteRunnable passes a Disconnect on to the server behind it', async () => {
  const there = recorder()
  const talker = new Talker(() => counted([['a']], { stall: true }))
  const middle = lambda((text: string) => text).pipe(remoteOf(talker, { callbacks: [there] }))
  for await (const _ of remoteOf(middle).stream('hi')) break
  await vi.waitFor(() => {
    there.check()
    expect(there.events.at(-1)).toMatchObject({ error: expect.any(Disconnect) })
    expect(talker.last.isOpen()).toBe(false)
  }, patience)
})

test('runs of which the server sends only some events have a start and an end', async () => {
  const recording = recorder()
  const run = remoteOf(chain, { events: { include: { types: ['token', 'chunk'] } } }).stream('hi', { callbacks: [recording] })
  expect((await readAll(run)).chunks).toEqual(['Hel', 'lo'])
  recording.check()
  expect(await run.outcome).toMatchObject({ status: 'complete', output: 'Hello' })
  expect(recording.trace()).toContain('T Hel')
})

test('the output contains a long text whole, though the codec truncates it in the event', async () => {
  const long = 'x'.repeat(200_000)
  const text = await remoteOf(scriptedModel([[long, long]]).pipe(new StringOutputParser())).invoke('hi')
  expect(text.length).toBe(400_000)
})
