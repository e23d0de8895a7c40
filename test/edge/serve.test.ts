import { type Listener, StringOutputParser } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { type Context, serve, toResponse } from 'chaintap/edge'
import { decoder } from 'chaintap/json'
import { anthropicSse, faultyFetch, offlineFetch, recorder, scriptedModel } from 'chaintap/testing'
import { expect, test } from 'vitest'
import { counted, Talker, turn } from '../support/sources.ts'

const chain = scriptedModel([['Hel', 'lo']]).pipe(new StringOutputParser())
const post = (body: unknown, headers: Record<string, string> = {}, init: RequestInit = {}): Request =>
  new Request('https://app.example/api', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    ...init,
  })

/** Parses the frames of an event stream to [event, data] pairs. */
async function framesOf(response: Response): Promise<[string, string][]> {
  const text = await response.text()
  return [...text.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)].map(([, event, data]) => [event ?? '', data ?? ''])
}

test('serve() streams events that decode to those of the handlers, then the outcome', async () => {
  const recording = recorder()
  const response = await serve(chain, { callbacks: [recording] })(
    post({ input: 'hi', options: { tags: ['t'], runName: 'mine', runId: 'not mine' } }),
    {},
  )
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  expect(response.headers.get('cache-control')).toBe('no-cache, no-transform')
  const frames = await framesOf(response)
  const decode = decoder()
  const events = frames.slice(0, -1).map(([, data]) => decode(data))
  expect(events.filter((event) => event.type !== 'chunk')).toEqual(recording.events)
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index))
  expect(events[0]?.run).toMatchObject({ name: 'mine', tags: ['t'] })
  expect(events[0]?.run.id).not.toBe('not mine')
  expect(frames.at(-1)?.[0]).toBe('outcome')
  expect(JSON.parse(frames.at(-1)?.[1] ?? '')).toMatchObject({ status: 'complete' })
})

test('serve() responds with text to a client that accepts only text, with and without a parser', async () => {
  for (const served of [chain, scriptedModel([['Hel', 'lo']])]) {
    const response = await serve(served)(post({ input: 'hi' }, { accept: 'text/plain' }), {})
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(await response.text()).toBe('Hello')
  }
})

test('serve() accepts a function that returns the chain for the env of each request', async () => {
  const fetch = serve((env: { KEY: string }) =>
    new ChatAnthropic({ apiKey: env.KEY, fetch: offlineFetch(), dangerouslyAllowBrowser: true }).pipe(new StringOutputParser()),
  )
  expect(await (await fetch(post({ input: 'What is 2 + 3?' }, { accept: 'text/plain' }), { KEY: 'k' })).text()).toContain('= 5')
})

test('serve() refuses an invalid request with its status and a message', async () => {
  const fetch = serve(chain, { maxBytes: 100 })
  const cases: [Request, number][] = [
    [new Request('https://app.example/api'), 405],
    [post({ input: 1 }, { 'content-type': 'text/plain' }), 415],
    [post({ input: 'x'.repeat(200) }), 413],
    [post({ question: 1 }), 400],
    [post({}, {}, { body: '{' }), 400],
  ]
  for (const [request, status] of cases) {
    const response = await fetch(request, {})
    expect(response.status).toBe(status)
    expect(await response.json()).toEqual({ error: expect.any(String) })
  }
})

test('serve() sends an error as an event and in the outcome, after the tokens before it', async () => {
  const failing = scriptedModel([{ tokens: ['a'], error: new Error('cut') }])
  const frames = await framesOf(await serve(failing, { exposeErrors: true })(post({ input: 'hi' }), {}))
  expect(frames.map(([event]) => event)).toEqual(['start', 'token', 'chunk', 'error', 'outcome'])
  expect(JSON.parse(frames.at(-1)?.[1] ?? '')).toMatchObject({ status: 'failed' })
})

test('a client that leaves closes the provider’s body, by cancelling the response or aborting the request (P2)', async () => {
  for (const bySignal of [false, true]) {
    const network = faultyFetch({ body: anthropicSse({ text: ['a', 'b', 'c'] }), split: 'events', stallAfter: 600 })
    const model = new ChatAnthropic({ apiKey: 'k', fetch: network, dangerouslyAllowBrowser: true })
    const abort = new AbortController()
    const recording = recorder()
    const request = post({ input: 'hi' }, {}, { signal: abort.signal })
    const response = await serve(model, { callbacks: [recording] })(request, {})
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.read()
    if (bySignal) abort.abort()
    else await reader?.cancel()
    await turn()
    expect(network.open).toBe(0)
    recording.check()
    expect(recording.open).toEqual([])
    expect(recording.events.at(-1)).toMatchObject({ type: 'error', error: { name: 'Disconnect' } })
  }
})

test('a client that does not read leaves at most one wire chunk read ahead (P6)', async () => {
  const talker = new Talker(() => counted(Array.from({ length: 50 }, (_, i) => [`${i}`])))
  const response = toResponse(talker.events('x'))
  const reader = response.body?.getReader()
  await reader?.read()
  await turn(5)
  expect(talker.sources.length === 0 || talker.last.pulls() <= 2).toBe(true)
  await reader?.cancel()
})

test('waitUntil receives the promise of this run’s handlers only (P9)', async () => {
  const log: string[] = []
  const slow: Listener = Object.assign(() => {}, {
    flush: async () => {
      await turn(2)
      log.push('flushed')
    },
  })
  const waits: Promise<unknown>[] = []
  const ctx: Context = { waitUntil: (work) => waits.push(work) }
  await (await serve(chain, { callbacks: [slow] })(post({ input: 'hi' }), {}, ctx)).text()
  expect(log).toEqual([])
  await Promise.all(waits)
  expect(log).toEqual(['flushed'])
})

test('serve() sends comments while a stream is silent', async () => {
  const talker = new Talker(() => counted([['a']], { before: () => turn(20) }))
  const text = await toResponse(talker.events('x'), { heartbeatMs: 2 }).text()
  expect(text).toContain(': heartbeat\n\n')
  expect(await toResponse(talker.events('x'), { heartbeatMs: Infinity }).text()).not.toContain('heartbeat')
})
