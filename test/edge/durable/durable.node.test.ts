import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunEvent } from 'chaintap'
import { serveDurable } from 'chaintap/durable'
import { decoder } from 'chaintap/json'
import { recorder } from 'chaintap/testing'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { root } from '../../../scripts/support.mjs'
import { buildWorker, startWorkerd, type Workerd } from '../../support/durable/workerd.mjs'
import { patience } from '../../support/patience.ts'
import { startProvider } from '../../support/provider.ts'
import { turn } from '../../support/sources.ts'

// Runs in a workerd of its own with a real disk. The path of a request selects a class of test/support/durable/worker.ts.

const folder = mkdtempSync(join(tmpdir(), 'chaintap-durable-'))
const classes = ['Chat', 'Owned', 'Asking', 'Bulky', 'Tight', 'Brief', 'Few', 'Hasty', 'Quiet', 'Open', 'Faulty']
let workerd: Workerd

vi.setConfig({ testTimeout: 60_000 })

beforeAll(async () => {
  await buildWorker(join(root, 'test/support/durable/worker.ts'), folder, classes)
  workerd = await startWorkerd(folder)
}, 60_000)

afterAll(async () => {
  await workerd.kill()
  rmSync(folder, { recursive: true, force: true })
})

type Headers = Readonly<Record<string, string>>

// One connection per request: workerd closes connections on which a response failed, even if it looked complete.
const get = (path: string, headers: Headers = {}): Promise<Response> =>
  fetch(workerd.url + path, { headers: { connection: 'close', ...headers } })
const post = (path: string, input: unknown, headers: Headers = {}, signal?: AbortSignal): Promise<Response> =>
  fetch(workerd.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close', ...headers },
    body: JSON.stringify({ input }),
    ...(signal && { signal }),
  })

const json = async (path: string, headers: Headers = {}): Promise<Record<string, unknown>> => (await get(path, headers)).json() as never
const idOf = (response: Response): string => response.headers.get('x-chaintap-run') ?? ''

/** Starts a run of `/open`, or another class, and disconnects. Returns the run's path. */
async function started(
  input: unknown,
  { path = '/open', delay = 0, headers = {} }: { path?: string; delay?: number; headers?: Headers } = {},
) {
  const leave = new AbortController()
  const response = await post(path, input, { 'x-delay': `${delay}`, ...headers }, leave.signal)
  expect(response.status).toBe(200)
  leave.abort()
  return `${path}/${idOf(response)}`
}

interface History {
  readonly events: readonly RunEvent[]
  readonly outcome: {
    readonly status?: string
    readonly error?: { readonly name: string; readonly code?: string; readonly message: string }
  }
}

/** Parses frames. Ignores a frame that was cut off. */
function parseHistory(text: string): History {
  const decode = decoder()
  const frames = [...text.matchAll(/(?:id: (\d+)\n)?event: (\w+)\ndata: (.*)\n\n/g)]
  const events = frames.filter(([, , type]) => type !== 'outcome').map(([, , , data = '']) => decode(data))
  return { events, outcome: JSON.parse(frames.find(([, , type]) => type === 'outcome')?.[3] ?? '{}') as History['outcome'] }
}

const read = async (path: string, headers?: Headers): Promise<History> => parseHistory(await (await get(path, headers)).text())
const seqs = ({ events }: History): readonly number[] => events.map(({ seq }) => seq)
const upTo = (count: number, from = 0): readonly number[] => Array.from({ length: count - from }, (_, index) => from + index)
const textOf = ({ events }: History): string => events.map((event) => (event.type === 'chunk' ? String(event.chunk) : '')).join('')
const numbers = (count: number): string =>
  upTo(count)
    .map((number) => `${number} `)
    .join('')

/** Checks a complete history: P1, P4, and a `seq` without gaps. */
function check(history: History): void {
  const record = recorder()
  for (const event of history.events) record(event)
  record.check()
  expect(seqs(history)).toEqual(upTo(history.events.length))
}

/** Reads until the text contains `what`, then disconnects. */
async function readUntil(response: Response, wanted: string): Promise<string> {
  const reader = response.body?.getReader()
  const utf8 = new TextDecoder()
  let text = ''
  while (!text.includes(wanted)) {
    const chunk = await reader?.read()
    if (!chunk?.value) throw new Error(`ended without ${wanted}:\n${text}`)
    text += utf8.decode(chunk.value, { stream: true })
  }
  await reader?.cancel()
  return text
}

/** Repeats a request until the response matches. vitest ends the test if that takes too long. */
async function until(path: string, isSo: (status: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
  for (;;) {
    const status = await json(path)
    if (isSo(status)) return status
    await turn(20)
  }
}

const isOver = ({ status }: Record<string, unknown>): boolean => status !== 'running'

describe('a run', () => {
  test('is streamed to its starter, and can be read again by its id with the same bytes', async () => {
    const response = await post('/open', '30')
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const text = await response.text()
    const history = parseHistory(text)
    check(history)
    expect(textOf(history)).toBe(numbers(30))
    expect(history.outcome).toMatchObject({ status: 'complete' })
    expect(history.events[0]?.run.id).toBe(idOf(response))
    const path = `/open/${idOf(response)}`
    expect(await (await get(path)).text()).toBe(text)
    expect(await json(`${path}/status`)).toMatchObject({ id: idOf(response), status: 'complete', events: history.events.length })
  })

  test('can be resumed after each seq by header and query, without gaps and repeats', async () => {
    const path = await started('25', { delay: 2 })
    const whole = await read(path)
    check(whole)
    const count = whole.events.length
    for (const seq of upTo(count)) {
      const rest = seq % 2 ? await read(path, { 'last-event-id': `${seq}` }) : await read(`${path}?after=${seq}`)
      expect(seqs(rest)).toEqual(upTo(count, seq + 1))
      expect(rest.outcome).toEqual(whole.outcome)
    }
    expect((await read(`${path}?after=${count + 7}`)).outcome).toEqual(whole.outcome)
    expect((await get(`${path}?after=x`)).status).toBe(400)
  })

  test('is started once by repeated POSTs with one key, also after a disconnect and a restart', async () => {
    const { calls } = await json('/seen')
    const keyed = { 'idempotency-key': `"${crypto.randomUUID()}"`, 'x-delay': '5' }
    const leave = new AbortController()
    const first = await post('/chat', '60', keyed, leave.signal)
    leave.abort()
    const answers = await Promise.all([post('/chat', '60', keyed), post('/chat', '60', keyed)])
    const [text = '', other] = await Promise.all(answers.map((answer) => answer.text()))
    expect(other).toBe(text)
    const history = parseHistory(text)
    check(history)
    expect(textOf(history)).toBe(numbers(60))
    expect(new Set([first, ...answers].map(idOf)).size).toBe(1)
    expect((await json('/seen')).calls).toBe(Number(calls) + 1)
    expect((await post('/chat', '61', keyed)).status).toBe(422)
    expect((await post('/chat', '60', { ...keyed, authorization: 'Bearer b' })).status).toBe(409)
    await workerd.kill()
    workerd = await startWorkerd(folder)
    expect(await (await post('/chat', '60', keyed)).text()).toBe(text)
  })

  test('sends the same events to readers that connect at any time', async () => {
    const path = await started('40', { delay: 10 })
    const readers: Promise<readonly [after: number, history: History]>[] = []
    const readAfter = async (seq: number) => [seq, await read(`${path}?after=${seq}`)] as const
    for (const after of [0, 1, 5, 9, 20]) {
      readers.push(readAfter(-1), readAfter(after))
      await turn(60)
    }
    const whole = await read(path)
    check(whole)
    for (const [after, { events, outcome }] of await Promise.all(readers)) {
      expect(events.map(({ seq }) => seq)).toEqual(upTo(whole.events.length, after + 1))
      expect(outcome).toEqual(whole.outcome)
    }
  })

  test('continues when readers disconnect, and without readers', async () => {
    const response = await post('/open', '60', { 'x-delay': '5' })
    const path = `/open/${idOf(response)}`
    const { cancels } = await json('/seen')
    const before = parseHistory(await readUntil(response, '"chunk":"5 "'))
    const last = before.events.at(-1)?.seq ?? -1
    const after = await read(path, { 'last-event-id': `${last}` })
    check({ ...after, events: [...before.events, ...after.events] })
    const alone = await started('60', { delay: 5 })
    expect(await until(`${alone}/status`, isOver)).toMatchObject({ status: 'complete' })
    expect((await json('/seen')).cancels).toEqual(cancels)
  })

  test('is ended for all readers by /stop, together with its model’s call', async () => {
    const path = await started('100000', { delay: 5 })
    const reader = read(path)
    await readUntil(await get(path), '"chunk":"3 "')
    const cancels = (await json('/seen')).cancels as unknown[]
    const stop = await post(`${path}/stop`, null)
    expect(await stop.json()).toMatchObject({ status: 'aborted', error: { code: 'user_stop' } })
    expect((await json('/seen')).cancels).toEqual([...cancels, 'user_stop'])
    const history = await reader
    check(history)
    expect(history.outcome).toMatchObject({ status: 'aborted', error: { name: 'UserStop' } })
    // A second stop is no error.
    expect(await (await post(`${path}/stop`, null)).json()).toMatchObject({ status: 'aborted' })
  })

  test('keeps the provider’s connection when its reader leaves, and closes it at /stop', async () => {
    const provider = await startProvider()
    const path = await started('hi', { path: '/asking', headers: { 'x-provider': provider.url } })
    await readUntil(await get(path), '"chunk":"one "')
    const tokens = provider.tokens()
    await vi.waitFor(() => expect(provider.tokens()).toBeGreaterThan(tokens + 20), patience)
    expect([provider.open(), provider.left()]).toEqual([1, 0])
    expect(await (await post(`${path}/stop`, null)).json()).toMatchObject({ status: 'aborted' })
    await vi.waitFor(() => expect([provider.open(), provider.left()]).toEqual([0, 1]), patience)
    await provider.stop()
  })

  test('reports its failure without the server’s message', async () => {
    const history = await read(await started('3 fail'))
    check(history)
    expect(textOf(history)).toBe(numbers(3))
    expect(history.outcome).toMatchObject({ status: 'failed', error: { message: 'Something went wrong on the server.' } })
    expect(JSON.stringify(history)).not.toContain('secret')
  })

  test('sends comments while it is silent, and only the events that the options select', async () => {
    const text = await (await post('/quiet', '3', { 'x-delay': '100' })).text()
    expect(text).toContain(': heartbeat\n\n')
    expect(parseHistory(text).events.map(({ type }) => type)).toEqual(['token', 'token', 'token'])
    const path = await started('9', { path: '/quiet' })
    const whole = await read(path)
    for (const [index, seq] of seqs(whole).entries()) expect(seqs(await read(`${path}?after=${seq}`))).toEqual(seqs(whole).slice(index + 1))
  })
})

describe('limits', () => {
  test('a log of 10,000 events can be read from the start and from its middle', async () => {
    const history = await read(await started('5000'))
    check(history)
    expect(history.events.length).toBeGreaterThan(10_000)
    expect(textOf(history)).toBe(numbers(5000))
  })

  test('an event larger than a row is sent whole', async () => {
    const response = await post('/bulky', 3_000_000)
    const live = await response.text()
    const history = parseHistory(live)
    check(history)
    const chunk = history.events.find(({ type }) => type === 'chunk') as { chunk?: string[] } | undefined
    expect(chunk?.chunk?.length).toBe(30)
    expect(chunk?.chunk?.[7]).toMatch(/^7éx{99998}$/)
    const path = `/bulky/${idOf(response)}`
    expect(await (await get(path)).text()).toBe(live)
    for (const seq of seqs(history)) expect(seqs(await read(`${path}?after=${seq}`))).toEqual(seqs(history).slice(seq + 1))
  })

  test.each([
    ['events', '/few', '100000', { status: 'aborted', error: { name: 'BudgetExceeded', code: 'budget_exceeded' } }],
    ['bytes', '/tight', '100000', { status: 'aborted', error: { name: 'BudgetExceeded', code: 'budget_exceeded' } }],
    ['age', '/hasty', '100000', { status: 'aborted', error: { name: 'TimeoutError', code: 'timeout' } }],
  ])('a run past the limit of its %s is stopped, and says so', async (_, path, input, outcome) => {
    const history = await read(await started(input, { path, delay: 2 }))
    check(history)
    expect(history.outcome).toMatchObject(outcome)
  })

  test('a run is deleted after its retention time', async () => {
    const response = await post('/brief', '3')
    await response.text()
    const gone = await until(`/brief/${idOf(response)}/status`, ({ error }) => error !== undefined)
    expect(gone).toEqual({ error: expect.stringContaining('No run has this id') })
  })
})

describe('readers', () => {
  test('one that does not read delays no other reader, and receives everything when it does', async () => {
    const idle = await post('/open', '5000')
    const path = `/open/${idOf(idle)}`
    const lazy = await Promise.all(upTo(20).map(() => get(path)))
    expect(await until(`${path}/status`, isOver)).toMatchObject({ status: 'complete' })
    for (const response of [idle, ...lazy.slice(0, 3)]) {
      const history = parseHistory(await response.text())
      check(history)
      expect(textOf(history)).toBe(numbers(5000))
    }
  })

  test('a slow one reads from the log', async () => {
    const response = await post('/open', '400', { 'x-delay': '1' })
    const reader = response.body?.getReader()
    const utf8 = new TextDecoder()
    let text = ''
    for (let chunk = await reader?.read(); chunk?.value; chunk = await reader?.read()) {
      text += utf8.decode(chunk.value, { stream: true })
      await turn(20)
    }
    check(parseHistory(text))
    expect(textOf(parseHistory(text))).toBe(numbers(400))
  })

  test('100 concurrent ones receive the same events', async () => {
    const path = await started('50', { delay: 4 })
    const texts = await Promise.all(upTo(100).map(async () => (await get(path)).text()))
    expect(new Set(texts).size).toBe(1)
    check(parseHistory(texts[0] ?? ''))
  })
})

describe('access', () => {
  test('by default is for the starter only, recognised by a cookie of its path or its Authorization header', async () => {
    const mine = await post('/chat', '3')
    const path = `/chat/${idOf(mine)}`
    const [cookie = ''] = (mine.headers.get('set-cookie') ?? '').split(';')
    expect(mine.headers.get('set-cookie')).toContain(`Path=${path};`)
    expect(mine.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Lax$/)
    for (const theirs of [{}, { cookie: `${cookie}0` }, { cookie: 'chaintap-run=' }, { authorization: 'Bearer b' }]) {
      expect((await get(path, theirs)).status).toBe(404)
      expect((await get(`${path}/status`, theirs)).status).toBe(404)
      expect((await post(`${path}/stop`, null, theirs)).status).toBe(404)
    }
    expect((await get(path, { cookie: `other=1; ${cookie}` })).status).toBe(200)

    const signed = await post('/chat', '3', { authorization: 'Bearer a' })
    const other = `/chat/${idOf(signed)}`
    expect((await get(other, { authorization: 'Bearer a' })).status).toBe(200)
    for (const theirs of [{ authorization: 'Bearer b' }, { cookie }]) expect((await get(other, theirs)).status).toBe(404)
  })

  test('is for callers for whom `access` returns the same string', async () => {
    const run = await post('/owned', '3', { 'x-user': 'ann' })
    const path = `/owned/${idOf(run)}`
    expect(run.headers.get('set-cookie')).toBe(null)
    expect((await get(path, { 'x-user': 'ann' })).status).toBe(200)
    expect((await get(path, { 'x-robot': '1' })).status).toBe(200)
    expect((await get(path, { 'x-user': 'bob' })).status).toBe(404)
    expect((await get(path)).status).toBe(404)
    expect((await post('/owned', '3')).status).toBe(401)
  })

  test('invalid requests are refused with a message, and start no run', async () => {
    const { calls } = await json('/seen')
    const cases: [Promise<Response>, number][] = [
      [get('/open'), 405],
      [post(`/open/${'0'.repeat(8)}-0000-7000-8000-${'0'.repeat(12)}`, '1'), 405],
      [get(`/open/${'0'.repeat(8)}-0000-7000-8000-${'0'.repeat(12)}`), 404],
      [post('/open', '1', { 'content-type': 'text/plain' }), 415],
      [post('/open', 'x'.repeat(2_000_000)), 413],
      [fetch(`${workerd.url}/open`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }), 400],
      [post('/open', '1', { 'x-often': '1' }), 429],
    ]
    for (const [asked, status] of cases) {
      const response = await asked
      expect(response.status).toBe(status)
      expect(await response.json()).toEqual({ error: expect.any(String) })
    }
    expect((await json('/seen')).calls).toBe(calls)
  })

  test('a missing binding throws an error with the configuration to add', async () => {
    await expect(
      serveDurable((env: { CHAT?: never }) => env.CHAT)(new Request('https://app.example', { method: 'POST' }), {}),
    ).rejects.toThrow('new_sqlite_classes')
  })

  test('pages of allowed origins can read the run’s id', async () => {
    const origin = 'https://app.example'
    const preflight = await fetch(`${workerd.url}/open/x`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'last-event-id' },
    })
    expect(preflight.headers.get('access-control-allow-origin')).toBe(origin)
    expect(preflight.headers.get('access-control-allow-headers')).toBe('last-event-id')
    const response = await post('/open', '1', { origin })
    expect(response.headers.get('access-control-allow-origin')).toBe(origin)
    expect(response.headers.get('access-control-expose-headers')).toContain('x-chaintap-run')
    await response.text()
  })
})

describe('faults', () => {
  const interrupted = {
    status: 'failed',
    error: { name: 'ChaintapError', code: 'interrupted', message: expect.stringContaining('restarted') },
  }

  test('an object lost during a run: received events stay, open runs are ended, children first', async () => {
    const response = await post('/open', '100000', { 'x-delay': '3' })
    const path = `/open/${idOf(response)}`
    const seen = parseHistory(await readUntil(response, '"chunk":"20 "'))
    await get(`${path}/abort`)
    const history = await read(path)
    check(history)
    expect(history.events.slice(0, seen.events.length)).toEqual(seen.events)
    expect(history.events.at(-1)?.run.id).toBe(idOf(response))
    expect(history.outcome).toMatchObject(interrupted)
    expect(await read(path)).toEqual(history)
  })

  test('a reader is disconnected with the object, and receives the end when it resumes', async () => {
    const path = await started('100000', { delay: 3 })
    const response = await get(path)
    const reader = response.body?.getReader()
    let text = new TextDecoder().decode((await reader?.read())?.value)
    await get(`${path}/abort`)
    // fetch sees a normal end. Only the missing outcome shows that the response is incomplete.
    for (let chunk = await reader?.read(); chunk?.value; chunk = await reader?.read()) text += new TextDecoder().decode(chunk.value)
    const before = parseHistory(text)
    expect(before.outcome).toEqual({})
    const after = await read(`${path}?after=${before.events.at(-1)?.seq}`)
    check({ ...after, events: [...before.events, ...after.events] })
    expect(after.outcome).toMatchObject(interrupted)
  })

  test('a killed process: the alarm ends the run after the restart without a request', async () => {
    const response = await post('/open', '100000', { 'x-delay': '3' })
    const path = `/open/${idOf(response)}`
    const seen = parseHistory(await readUntil(response, '"chunk":"20 "'))
    await workerd.kill()
    workerd = await startWorkerd(folder)
    await until('/seen', ({ alarms }) => Number(alarms) > 0)
    const asked = Date.now()
    const status = await json(`${path}/status`)
    expect(status).toMatchObject(interrupted)
    expect(status.endedAt).toBeLessThanOrEqual(asked)
    const history = await read(path)
    check(history)
    expect(history.events.slice(0, seen.events.length)).toEqual(seen.events)
  })

  test('an object is not evicted before its run has ended, with or without readers; afterwards the log is complete', async () => {
    const path = await started('60', { delay: 5 })
    await get(`${path}/evict`)
    expect(await json(`${path}/status`)).toMatchObject({ status: 'complete' })
    const before = await (await get(path)).text()
    expect((await get(`${path}/evict`)).status).toBe(200)
    expect(await (await get(path)).text()).toBe(before)
    expect(textOf(parseHistory(before))).toBe(numbers(60))
  })

  test('a finished run survives a restart unchanged', async () => {
    const path = await started('20')
    const before = await (await get(path)).text()
    await workerd.kill()
    workerd = await startWorkerd(folder)
    expect(await (await get(path)).text()).toBe(before)
  })

  describe('a failing disk', () => {
    afterEach(() => get('/faults?left=0'))

    test('for a moment: the commit is retried and nothing is lost', async () => {
      const path = await started('40', { path: '/faulty', delay: 5 })
      await readUntil(await get(path), '"chunk":"3 "')
      const { failures } = await json('/faults?left=2')
      const history = await read(path)
      expect(Number((await json('/seen')).failures)).toBe(Number(failures) + 2)
      check(history)
      expect(textOf(history)).toBe(numbers(40))
      expect(history.outcome).toMatchObject({ status: 'complete' })
    })

    test('for longer: the run and its model are stopped with storage_failed', async () => {
      const path = await started('100000', { path: '/faulty', delay: 5 })
      const reader = read(path)
      await readUntil(await get(path), '"chunk":"3 "')
      await get('/faults?left=4')
      const history = await reader
      check(history)
      expect(history.outcome).toMatchObject({ status: 'aborted', error: { code: 'storage_failed' } })
      expect((await json('/seen')).cancels).toContain('storage_failed')
    })

    test('for good: the readers are disconnected, and the run is ended when the disk works again', async () => {
      const path = await started('100000', { path: '/faulty', delay: 5 })
      const reader = read(path)
      await readUntil(await get(path), '"chunk":"3 "')
      await get('/faults?left=1000000')
      expect((await reader).outcome).toEqual({})
      expect((await get(path)).status).toBe(500)
      await get('/faults?left=0')
      const history = await read(path)
      check(history)
      expect(history.outcome).toMatchObject(interrupted)
    })
  })
})
