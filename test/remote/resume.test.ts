import { AbortReason, type Delta, Disconnect, type RunEvent, StringOutputParser } from 'chaintap'
import { RemoteError, type RemoteOptions, RemoteRunnable, type ResumableRun } from 'chaintap/remote'
import { recorder, scriptedModel } from 'chaintap/testing'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { patience } from '../support/patience.ts'
import { type ResumableOptions, resumableServer } from '../support/resumable.ts'
import { counted, readAll, Talker, turn } from '../support/sources.ts'

const url = 'https://app.example/chat'
const tokens = ['Be', 'ars', ' eat', ' ho', 'ney', '.']
const usage = { inputTokens: 3, outputTokens: 6 }
const chain = () => scriptedModel([{ tokens, usage }]).pipe(new StringOutputParser())

function remoteOf(server: ReturnType<typeof resumableServer>, options: RemoteOptions = {}) {
  return new RemoteRunnable<string, string>(url, { fetch: server.fetch, reconnectDelay: () => 0, ...options })
}

/** The events and chunks that the page must receive, whatever happens to connections. */
async function whole(): Promise<{ trace: string[]; chunks: string[] }> {
  const recording = recorder()
  const { chunks } = await readAll(remoteOf(resumableServer(chain())).stream('hi', { callbacks: [recording] }))
  return { trace: recording.trace(), chunks }
}

/** Removes the retry events of the call. */
const withoutRetries = (trace: string[]): string[] => trace.filter((line) => !line.startsWith('R '))

test('after any number of cuts, each event is emitted once and in order, and the outcome is the server’s', async () => {
  const expected = await whole()
  const scenario = fc.record({
    cuts: fc.array(fc.nat(900), { maxLength: 8 }),
    piece: fc.integer({ min: 1, max: 200 }),
    how: fc.constantFrom('end' as const, 'error' as const),
    overlap: fc.nat(5),
    slow: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(scenario, async ({ cuts, slow, ...rest }) => {
      const server = resumableServer(chain(), { cut: (answer) => cuts[answer], ...rest })
      const recording = recorder()
      const callbacks = [recording, ...(slow ? [(event: RunEvent) => (event.seq % 3 === 0 ? turn() : undefined)] : [])]
      const run = remoteOf(server).stream('hi', { callbacks })
      const { chunks, error } = await readAll(run)
      expect(error).toBeUndefined()
      recording.check()
      expect(withoutRetries(recording.trace())).toEqual(expected.trace)
      expect(chunks).toEqual(expected.chunks)
      expect(await run.outcome).toMatchObject({ status: 'complete', output: tokens.join(''), usage: { ...usage, requests: 1 } })
      expect(server.open()).toBe(0)
      expect(server.stopped).toEqual([])
    }),
    { numRuns: 60 },
  )
}, 60_000)

test('each call sends an Idempotency-Key of its own, in one request', async () => {
  const server = resumableServer(chain(), { cut: (answer) => (answer === 0 ? 900 : undefined) })
  const remote = remoteOf(server)
  await readAll(remote.stream('hi'))
  await readAll(remote.stream('hi'))
  const keys = server.requests.map(({ method, headers }) => [method, headers.get('idempotency-key')])
  expect(keys).toEqual([
    ['POST', expect.stringMatching(/^"[\da-f-]{36}"$/)],
    ['GET', null],
    ['POST', expect.stringMatching(/^"[\da-f-]{36}"$/)],
  ])
  expect(keys[0]?.[1]).not.toBe(keys[2]?.[1])
})

test('a cut at any event loses no event', async () => {
  const expected = await whole()
  for (let cut = 0; cut < 4_200; cut += 41) {
    const server = resumableServer(chain(), { cut: (answer) => (answer === 0 ? cut : undefined), piece: 50 })
    const recording = recorder()
    const { chunks } = await readAll(remoteOf(server).stream('hi', { callbacks: [recording] }))
    recording.check()
    expect(chunks).toEqual(expected.chunks)
    expect(withoutRetries(recording.trace())).toEqual(expected.trace)
  }
}, 60_000)

test('a connection without data for idleMs is reopened after the last event', async () => {
  const expected = await whole()
  const server = resumableServer(chain(), { cut: (answer) => (answer < 2 ? 1_500 : undefined), how: 'silence' })
  const recording = recorder()
  const { chunks } = await readAll(remoteOf(server, { idleMs: 15 }).stream('hi', { callbacks: [recording] }))
  expect(chunks).toEqual(expected.chunks)
  expect(withoutRetries(recording.trace())).toEqual(expected.trace)
  const [first, ...rest] = server.requests
  expect(first?.method).toBe('POST')
  expect(rest.map(({ method, path }) => `${method} ${path}`)).toEqual(rest.map(() => `GET /chat/${server.ids()[0]}`))
  expect(Number(rest[0]?.after)).toBeGreaterThan(0)
})

test('each reconnect attempt emits `retry` and calls the headers function', async () => {
  let calls = 0
  const server = resumableServer(chain(), { cut: (answer) => (answer === 0 ? 700 : undefined) })
  const recording = recorder()
  const headers = () => ({ authorization: `Bearer ${++calls}` })
  await remoteOf(server, { headers }).invoke('hi', { callbacks: [recording] })
  expect(recording.events.filter(({ type }) => type === 'retry')).toMatchObject([{ attempt: 1, run: { name: 'RemoteRunnable' } }])
  expect(server.requests.map((each) => each.headers.get('authorization'))).toEqual(['Bearer 1', 'Bearer 2'])
})

test('RemoteRunnable retries a resume request after 503, not after 401 or 404', async () => {
  const refusing = (status: number, times: number): ResumableOptions => ({
    cut: (answer) => (answer === 0 ? 700 : undefined),
    refuse: ({ method }, answer) => (method === 'GET' && answer <= times ? Response.json({ error: 'No.' }, { status }) : undefined),
  })
  const down = resumableServer(chain(), refusing(503, 3))
  expect(await remoteOf(down).invoke('hi')).toBe(tokens.join(''))
  expect(down.requests.length).toBe(5)
  for (const status of [401, 404]) {
    const server = resumableServer(chain(), refusing(status, 99))
    const recording = recorder()
    await expect(remoteOf(server).invoke('hi', { callbacks: [recording] })).rejects.toMatchObject({ code: 'http', status })
    expect(server.requests.length).toBe(2)
    recording.check()
    expect(recording.open).toEqual([])
  }
})

test('after maxReconnects attempts it rejects with connection_lost and ends every local run, without stopping the server’s', async () => {
  const server = resumableServer(chain(), { cut: () => 1_200 })
  const recording = recorder()
  const run = remoteOf(server, {
    maxReconnects: 3,
    fetch: (request) => (request.method === 'GET' ? Promise.reject(new TypeError('offline')) : server.fetch(request)),
  }).stream('hi', { callbacks: [recording] })
  const { error } = await readAll(run)
  expect(error).toBeInstanceOf(RemoteError)
  expect(error).toMatchObject({ code: 'connection_lost', runId: server.ids()[0], cause: { code: 'network' } })
  recording.check()
  expect(recording.open).toEqual([])
  expect(recording.events.filter(({ type }) => type === 'retry').length).toBe(3)
  expect(server.stopped).toEqual([])
  const never = remoteOf(server, { maxReconnects: 0 })
  expect((await readAll(never.stream('hi'))).error).toMatchObject({ code: 'truncated' })
})

test('connection_lost has the last error of the server as its cause', async () => {
  const server = resumableServer(chain(), {
    cut: () => 1_200,
    refuse: ({ method }) => (method === 'GET' ? Response.json({ error: 'Down.' }, { status: 503 }) : undefined),
  })
  const { error } = await readAll(remoteOf(server, { maxReconnects: 2 }).stream('hi'))
  expect(error).toMatchObject({ code: 'connection_lost', runId: server.ids()[0], cause: { code: 'http', status: 503 } })
})

test('resume() retries an unreachable server, and never stops a run that it could not read', async () => {
  let refusals = 2
  let [status, isReachable] = [503, true]
  const server = resumableServer(chain(), {
    refuse: ({ method }) => (method === 'GET' && refusals-- > 0 ? Response.json({ error: 'No.' }, { status }) : undefined),
  })
  const fetch = (request: Request): Promise<Response> => (isReachable ? server.fetch(request) : Promise.reject(new TypeError('offline')))
  const remote = remoteOf(server, { fetch, maxReconnects: 3 })
  await remote.invoke('hi')
  const [id = ''] = server.ids()
  const recording = recorder()
  expect((await readAll(remote.resume(id, { callbacks: [recording] }))).chunks.join('')).toBe(tokens.join(''))
  recording.check()
  expect(recording.events.filter(({ type }) => type === 'retry')).toMatchObject([{ error: { status: 503 } }, { error: { status: 503 } }])
  refusals = 99
  expect((await readAll(remote.resume(id))).error).toMatchObject({ code: 'connection_lost', cause: { status: 503 } })
  isReachable = false
  expect((await readAll(remote.resume(id))).error).toMatchObject({ code: 'connection_lost', cause: { code: 'network' } })
  isReachable = true
  for (status of [401, 404]) {
    const run = remote.resume(id)
    expect((await readAll(run)).error).toMatchObject({ code: 'http', status })
    await run.flushed
  }
  expect(server.stopped).toEqual([])
})

test('maxReconnects counts connections without a new event', async () => {
  const server = resumableServer(chain(), { cut: (answer) => (answer === 0 ? 700 : 0) })
  const { error } = await readAll(remoteOf(server, { maxReconnects: 4 }).stream('hi'))
  expect(error).toMatchObject({ code: 'connection_lost' })
  expect(server.requests.length).toBe(5)
})

const stalling = () => new Talker(() => counted([['a'], ['b']], { stall: true }))

for (const way of ['stop', 'break', 'abort', 'timeout', 'cancel'] as const) {
  test(`${way} stops the run on the server, and leaves no connection and no open run on either side (P2)`, async () => {
    const talker = stalling()
    const [here, there] = [recorder(), recorder()]
    const server = resumableServer(talker, { callbacks: [there] })
    const abort = new AbortController()
    const options = { callbacks: [here], signal: abort.signal, ...(way === 'timeout' && { timeout: 10 }) }
    const run = remoteOf(server).stream('hi', options)
    const reading = (async () => {
      const reader = way === 'cancel' ? run.getReader() : undefined
      if (reader) return reader.read().then(() => reader.cancel())
      for await (const _ of run) if (way === 'break') break
    })().catch(() => {})
    if (way === 'stop') setTimeout(() => run.stop(), 10)
    if (way === 'abort') setTimeout(() => abort.abort(new AbortReason('enough')), 10)
    await reading
    await run.flushed
    expect(server.stopped).toEqual(server.ids())
    await vi.waitFor(() => {
      expect(talker.last.isOpen()).toBe(false)
      expect(server.open()).toBe(0)
      for (const recording of [here, there]) {
        recording.check()
        expect(recording.open).toEqual([])
      }
    }, patience)
  })
}

test('stop() ends a pause between attempts at once; a Disconnect does not stop the server’s run', async () => {
  const talker = stalling()
  const server = resumableServer(talker, { cut: () => 600 })
  const run = remoteOf(server, { reconnectDelay: () => 60_000 }).stream('hi')
  const reading = readAll(run)
  await turn(10)
  run.stop()
  expect((await reading).error).toBeUndefined()
  await run.flushed
  expect(server.stopped.length).toBe(1)
  const second = remoteOf(server).stream('hi')
  const left = readAll(second)
  await vi.waitFor(() => expect(talker.last.isOpen()).toBe(true), patience)
  second.stop(new Disconnect())
  await left
  await second.flushed
  expect(server.stopped.length).toBe(1)
  expect(talker.last.isOpen()).toBe(true)
})

test('a call stopped before the response is stopped on the server when the response arrives', async () => {
  const talker = stalling()
  const server = resumableServer(talker)
  const run = remoteOf(server, { fetch: (request) => turn(10).then(() => server.fetch(request)) }).stream('hi')
  const reading = readAll(run)
  await turn(2)
  run.stop()
  await reading
  await run.flushed
  expect(server.stopped).toEqual(server.ids())
  expect(server.stopped.length).toBe(1)
  expect(server.open()).toBe(0)
})

test('a stop request that fails or is refused for now is sent again', async () => {
  for (const answer of [() => Promise.reject(new TypeError('offline')), async () => new Response(null, { status: 429 })]) {
    const server = resumableServer(stalling())
    let failures = 1
    const fetch = (request: Request): Promise<Response> =>
      request.url.endsWith('/stop') && failures-- > 0 ? answer() : server.fetch(request)
    const run = remoteOf(server, { fetch }).stream('hi')
    for await (const _ of run) break
    await run.flushed
    expect(server.stopped.length).toBe(1)
    // Without it serveDurable refuses the request.
    const stop = server.requests.find(({ path }) => path.endsWith('/stop'))
    expect(stop?.headers.get('content-type')).toBe('application/json')
  }
})

test('resume() replays the whole run, or the events after `after`, then follows it live', async () => {
  let more = Promise.withResolvers<void>()
  const talker = new Talker(() => counted([['a', 'b'], ['c'], ['d']], { before: (chunk) => (chunk[0] === 'c' ? more.promise : undefined) }))
  const server = resumableServer(talker)
  let known: ResumableRun | undefined
  const before = remoteOf(server, { onResumable: (remote) => (known = remote) }).stream('hi')
  const reader = before[Symbol.asyncIterator]()
  await reader.next()
  await reader.next()
  await turn(2)
  const { id = '', seq = -1 } = known ?? {}
  expect(id).toBe(server.ids()[0])
  // The first tab is closed; two others resume.
  before.stop(new Disconnect())
  const page = remoteOf(server)
  const [fromStart, fromThere] = [recorder(), recorder()]
  const runs = [page.resume(id, { callbacks: [fromStart] }), page.resume(id, { after: seq, callbacks: [fromThere] })]
  const readings = runs.map((run) => readAll(run))
  await turn(5)
  more.resolve()
  more = Promise.withResolvers()
  const [all, rest] = await Promise.all(readings)
  expect(all?.chunks).toEqual(['a', 'b', 'c', 'd'])
  expect(rest?.chunks).toEqual(['c', 'd'])
  for (const recording of [fromStart, fromThere]) recording.check()
  expect(fromStart.events[1]).toMatchObject({ type: 'start', input: 'hi', run: { id, name: 'Talker', parentId: runs[0]?.run.id } })
  expect(fromThere.trace()).toEqual(['S RemoteRunnable', 'S unknown<RemoteRunnable', 'T c', 'T d', 'E unknown', 'E RemoteRunnable'])
  for (const run of runs) expect(await run.outcome).toMatchObject({ status: 'complete', output: 'abcd' })
})

test('resume() of a finished run replays it with the original timings and usage', async () => {
  const server = resumableServer(chain())
  const remote = remoteOf(server)
  const first = remote.stream('hi')
  await readAll(first)
  const [id = ''] = server.ids()
  const { firstTokenMs: _, durationMs: __, ...expected } = await first.outcome
  for (const after of [undefined, 4]) {
    const again = remote.resume(id, after === undefined ? {} : { after })
    await again.drain()
    expect(await again.outcome).toMatchObject(expected)
  }
  const events = await readAll(remote.attach(id).events())
  expect(events.chunks.filter(({ type }) => type === 'token').length).toBe(tokens.length)
})

test('an error thrown by onResumable is reported and does not fail the run', async () => {
  const reports: unknown[] = []
  const onResumable = (): void => {
    throw new Error('storage is full')
  }
  const remote = remoteOf(resumableServer(chain()), { onResumable })
  expect(await remote.invoke('hi', { onHandlerError: (error) => void reports.push(error) })).toBe(tokens.join(''))
  expect(reports).toMatchObject([{ message: 'storage is full' }])
})

test('a call that ends for any reason leaves no timer (P1)', async () => {
  const set = vi.spyOn(globalThis, 'setTimeout')
  const cleared = vi.spyOn(globalThis, 'clearTimeout')
  const idleMs = 1_000_000
  const reconnectDelay = (): number => 1_000_001
  await remoteOf(resumableServer(chain()), { idleMs }).invoke('hi')
  const cut = resumableServer(chain(), { cut: () => 900 })
  await readAll(remoteOf(cut, { idleMs, maxReconnects: 0 }).stream('hi'))
  const refusing = { idleMs, fetch: async () => new Response(null, { status: 500 }) }
  await readAll(remoteOf(cut, refusing).stream('hi'))
  const long = (): number => set.mock.calls.filter(([, ms]) => Number(ms) >= idleMs).length
  for (const options of [{ idleMs }, { idleMs, reconnectDelay }]) {
    const before = long()
    const run = remoteOf('reconnectDelay' in options ? cut : resumableServer(stalling()), options).stream('hi')
    const reading = readAll(run)
    // The idle timer, then the pause timer.
    await vi.waitFor(() => expect(long() - before).toBeGreaterThanOrEqual('reconnectDelay' in options ? 2 : 1), patience)
    run.stop()
    await reading
    await run.flushed
  }
  const timers = set.mock.results.filter((_, call) => Number(set.mock.calls[call]?.[1]) >= idleMs).map(({ value }) => value as unknown)
  const gone = new Set<unknown>(cleared.mock.calls.map(([timer]) => timer))
  vi.restoreAllMocks()
  expect(timers.length).toBeGreaterThan(5)
  expect(timers.filter((timer) => !gone.has(timer))).toEqual([])
})

test('resume() of an unknown run rejects with status 404', async () => {
  const server = resumableServer(chain())
  const { error } = await readAll(remoteOf(server).resume('0192'))
  expect(error).toBeInstanceOf(RemoteError)
  expect(error).toMatchObject({ status: 404, message: expect.stringContaining('There is no run of this id.') })
})

test('the output of a resumed run of Deltas is a whole message', async () => {
  const server = resumableServer(scriptedModel([{ tokens, usage }]), { cut: (answer) => (answer < 3 ? 400 + answer * 300 : undefined) })
  const remote = new RemoteRunnable<string, unknown, Delta>(url, { fetch: server.fetch, reconnectDelay: () => 0 })
  const run = remote.stream('hi')
  const { chunks } = await readAll(run)
  expect(chunks.flatMap((delta) => (delta.type === 'text' ? delta.text : [])).join('')).toBe(tokens.join(''))
  expect(await run.outcome).toMatchObject({ output: { role: 'assistant', content: tokens.join('') } })
})
