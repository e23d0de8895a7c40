import { type Listener, lambda, type RunEvent, type Runnable, StringOutputParser } from 'chaintap'
import { serve } from 'chaintap/edge'
import { type Remote, RemoteRunnable } from 'chaintap/remote'
import { recorder, scriptedModel } from 'chaintap/testing'
import { tool } from 'chaintap/tools'
import { expect, test, vi } from 'vitest'
import { patience } from '../support/patience.ts'
import { readAll, turn } from '../support/sources.ts'

const url = 'https://app.example/joke'
const chain = scriptedModel([['Hel', 'lo']]).pipe(new StringOutputParser())

/** Creates the remote of a chain that is served in this process. */
function remoteOf<Out = string>(served: Runnable<never, unknown, unknown>, options = {}) {
  const requests: Request[] = []
  const fetch = async (request: Request): Promise<Response> => {
    requests.push(request.clone() as Request)
    return serve(served, { exposeErrors: true, ...options })(request, {})
  }
  return { remote: new RemoteRunnable<string, Out>(url, { fetch }), requests }
}

test('RemoteRunnable streams, invokes, batches and pipes like the served chain', async () => {
  const { remote } = remoteOf(chain)
  expect(await readAll(remote.stream('hi'))).toEqual({ chunks: ['Hel', 'lo'], error: undefined })
  expect(await remote.invoke('hi')).toBe('Hello')
  expect(await remote.batch(['a', 'b'])).toEqual(['Hello', 'Hello'])
  expect(await remote.pipe((text) => text.toUpperCase()).invoke('hi')).toBe('HELLO')
  expect(
    await lambda((text: string) => `${text}!`)
      .pipe(remote)
      .invoke('hi'),
  ).toBe('Hello')
  const chunks = remote.pipe({ transform: (chunk: string, controller) => controller.enqueue(chunk.length) })
  expect((await readAll(chunks.stream('hi'))).chunks).toEqual([3, 2])
})

test('handlers receive the server’s runs, with their ids, as children of the call', async () => {
  const there = recorder()
  const here = recorder()
  const { remote } = remoteOf(chain, { callbacks: [there] })
  const run = remote.stream('hi', { callbacks: [here] })
  await readAll(run)
  here.check()
  const [call, ...below] = here.events
  expect(call).toMatchObject({ type: 'start', input: 'hi', run: { id: run.run.id, name: 'RemoteRunnable', kind: 'chain' } })
  const rootId = there.events[0]?.run.id
  const hung = there.events.map(({ run: { parentId, ...rest }, ...event }, index) => ({
    ...event,
    seq: index + 1,
    run: { ...rest, rootId: run.run.id, parentId: parentId ?? run.run.id },
  }))
  expect(below.slice(0, -1)).toEqual(hung)
  expect(below.at(-1)).toMatchObject({ type: 'end', output: 'Hello', run: { id: run.run.id } })
  expect(rootId).not.toBe(run.run.id)
})

test('the remote of a tool answers a tool call with a tool message, and arguments with the tool’s output', async () => {
  const weather = tool((city: string) => ({ city, degrees: 18 }), { name: 'weather', description: 'The weather in a city.' })
  const fetch = (request: Request) => serve(weather)(request, {})
  const remote: Remote<typeof weather> = new RemoteRunnable(url, { fetch })
  const call = { id: 'call_1', name: 'weather', args: 'Paris' }
  const message = { role: 'tool', content: '{"city":"Paris","degrees":18}', toolCallId: 'call_1' }
  expect(await remote.invoke(call)).toEqual(message)
  expect(await remote.invoke('Paris')).toEqual({ city: 'Paris', degrees: 18 })
  const run = remote.stream(call)
  expect((await readAll(run)).chunks).toEqual([{ city: 'Paris', degrees: 18 }])
  expect(await run.outcome).toMatchObject({ status: 'complete', output: message })
})

test('events() emits every event once, chunks as events of the call, and seq without gaps', async () => {
  const { remote } = remoteOf(chain)
  const run = remote.events('hi')
  const { chunks: events } = await readAll(run)
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index))
  expect(events.filter(({ type }) => type === 'chunk').map(({ run: { id } }) => id)).toEqual([run.run.id, run.run.id])
  expect(events.map(({ type }) => type).join(' ')).toBe('start start start token start chunk token chunk end end end end')
})

test('below a local parent the server’s runs belong to its tree, and its handler receives all events', async () => {
  const { remote } = remoteOf(chain)
  const here = recorder()
  const calling = lambda(async (text: string, context) => (await remote.invoke(text, context)).length, { name: 'calling' })
  expect(await calling.invoke('hi', { callbacks: [here] })).toBe(5)
  here.check()
  expect(new Set(here.events.map((event) => event.run.rootId)).size).toBe(1)
  expect(here.trace().slice(0, 3)).toEqual(['S calling', 'S RemoteRunnable<calling', 'S RunnableSequence<RemoteRunnable'])
})

test('constructor callbacks receive the call’s events only; bound and request callbacks receive all, each once (P7)', async () => {
  const [own, bound, request] = [recorder(), recorder(), recorder()]
  const remote = new RemoteRunnable<string, string>(url, { callbacks: [own], fetch: (request) => serve(chain)(request, {}) })
  await remote.withConfig({ callbacks: [bound] }).invoke('hi', { callbacks: [request, bound] })
  expect(own.trace()).toEqual(['S RemoteRunnable', 'E RemoteRunnable'])
  expect(bound.events).toEqual(request.events)
  expect(bound.events.length).toBe(10)
})

test('custom headers replace the default ones, whatever the case of their names', async () => {
  const headers = { 'Content-Type': 'application/json; charset=utf-8', Accept: 'text/event-stream', 'Idempotency-Key': 'mine' }
  let sent: Headers | undefined
  const fetch = (request: Request): Promise<Response> => {
    sent = request.headers
    return serve(chain)(request, {})
  }
  expect(await new RemoteRunnable<string, string>(url, { headers, fetch }).invoke('hi')).toBe('Hello')
  for (const [name, value] of Object.entries(headers)) expect(sent?.get(name)).toBe(value)
})

test('tags, metadata and runName are sent, including those of parents; a headers function is called for each request', async () => {
  const requests: Request[] = []
  let tokens = 0
  const remote = new RemoteRunnable<string, string>(new URL(`${url}?q=1`), {
    fetch: (request) => {
      requests.push(request.clone() as Request)
      return serve(chain)(request, {})
    },
    headers: async () => ({ authorization: `Bearer ${++tokens}` }),
    name: 'joke',
  })
  const events: RunEvent[] = []
  await remote.invoke('hi', { callbacks: [(event) => void events.push(event)], tags: ['t'], metadata: { user: 7 }, runName: 'mine' })
  await lambda((text: string, context) => remote.invoke(text, context)).invoke('hi', { tags: ['above'] })
  expect(await requests[0]?.json()).toEqual({ input: 'hi', options: { tags: ['t'], metadata: { user: 7 }, runName: 'mine' } })
  expect(await requests[1]?.json()).toMatchObject({ options: { tags: ['above'] } })
  expect(requests.map(({ headers }) => headers.get('authorization'))).toEqual(['Bearer 1', 'Bearer 2'])
  expect(events.every((event) => event.run.tags.includes('t') && event.run.metadata.user === 7)).toBe(true)
  expect(events.slice(0, 2).map((event) => event.run.name)).toEqual(['mine', 'mine'])
})

test('the outcome has the server’s usage, status and output', async () => {
  const usage = { inputTokens: 3, outputTokens: 2 }
  const { remote } = remoteOf(scriptedModel([{ tokens: ['a', 'b'], usage }]))
  const run = remote.stream('hi')
  await run.drain()
  const outcome = await run.outcome
  expect(outcome).toMatchObject({
    status: 'complete',
    usage: { ...usage, requests: 1, source: 'provider' },
    output: { role: 'assistant', content: 'ab' },
    firstTokenMs: expect.any(Number),
  })
})

test('handlers receive a token before the reader, and an async handler slows the source (P4, P6)', async () => {
  const log: string[] = []
  let pulled = 0
  const model = lambda(async function* () {
    for (; pulled < 20; pulled++) yield `${pulled}`
  })
  const { remote } = remoteOf(scriptedModel([['a', 'b', 'c']]))
  const slow: Listener = async (event) => {
    await turn(1)
    if (event.type === 'token') log.push(`handled ${event.token}`)
  }
  for await (const delta of remote.stream('hi', { callbacks: [slow] }) as AsyncIterable<unknown>) {
    const { type, text } = delta as { type: string; text?: string }
    if (type === 'text') log.push(`got ${text}`)
  }
  expect(log.filter((line) => line.startsWith('handled'))).toEqual(['handled a', 'handled b', 'handled c'])
  for (const token of ['a', 'b', 'c']) expect(log.indexOf(`handled ${token}`)).toBeLessThan(log.indexOf(`got ${token}`))
  const idle = remoteOf(model).remote.stream('hi')
  const reader = idle.getReader()
  await reader.read()
  await turn(5)
  expect(pulled).toBeLessThan(6)
  await reader.cancel()
})

test('an error of a handler is reported; with raiseError it fails the call and closes the server’s (P5)', async () => {
  const reports: unknown[] = []
  const onHandlerError = (error: unknown) => void reports.push(error)
  const failing =
    (type: string): Listener =>
    (event) => {
      if (event.type === type) throw new Error(type)
    }
  const there = recorder()
  const { remote } = remoteOf(chain, { callbacks: [there] })
  expect(await remote.invoke('hi', { callbacks: [failing('token')], onHandlerError })).toBe('Hello')
  expect(reports.length).toBe(2)
  const recording = recorder()
  const raising = Object.assign(failing('token'), { raiseError: true })
  const { error } = await readAll(remote.stream('hi', { callbacks: [recording, raising] }))
  expect(error).toMatchObject({ message: 'token' })
  await vi.waitFor(() => {
    recording.check()
    there.check()
    expect([...recording.open, ...there.open]).toEqual([])
  }, patience)
})

test('a handler that calls stop() for a run of the server stops the call', async () => {
  const there = recorder()
  const { remote } = remoteOf(chain, { callbacks: [there] })
  const recording = recorder()
  const budget: Listener = (event, stop) => {
    if (event.type === 'token') stop?.(new Error('enough'))
  }
  const run = remote.stream('hi', { callbacks: [recording, budget] })
  expect((await readAll(run)).error).toMatchObject({ message: 'enough' })
  expect(await run.outcome).toMatchObject({ status: 'aborted' })
  await run.flushed
  await vi.waitFor(() => expect(there.open).toEqual([]), patience)
  recording.check()
  there.check()
})

test('server times are shifted only as far as the order of request and response requires', async () => {
  const skewed = async (by: number): Promise<number[]> => {
    const answer = async (request: Request): Promise<Response> => {
      const response = await serve(chain)(request, {})
      const text = (await response.text()).replace(/"at":(\d+)/g, (_, at: string) => `"at":${Number(at) + by}`)
      return new Response(text, { headers: response.headers })
    }
    const times: number[] = []
    await new RemoteRunnable<string, string>(url, { fetch: answer }).invoke('hi', { callbacks: [(event) => void times.push(event.at)] })
    return times
  }
  for (const by of [-3_600_000, 0, 3_600_000]) {
    const before = Date.now()
    const times = await skewed(by)
    const after = Date.now()
    // Later events of the server follow its first by at most the duration of the call.
    expect(times.every((at) => at >= before && at <= after + (after - before))).toBe(true)
  }
})
