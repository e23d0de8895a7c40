import { lambda, parallel, type RunEvent, type Runnable, StringOutputParser } from 'chaintap'
import { type DurableClass, durable, serveDurable } from 'chaintap/durable'
import { decoder } from 'chaintap/json'
import { recorder, scriptedModel } from 'chaintap/testing'
import { callTools, tool } from 'chaintap/tools'
import fc from 'fast-check'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { Disk } from '../../support/durable/disk.ts'
import { patience } from '../../support/patience.ts'
import { turn } from '../../support/sources.ts'

// The object over Node's SQLite, where a test can end it at any moment. durable.node.test.ts runs it in workerd.

const ID = '01a1ff0e-9853-7051-843f-760bb9f366e2'
const url = `https://app.example/chat/${ID}`
const start = (body = '{"input":"go"}'): Request =>
  new Request(`${url}/start`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })

// A dead instance on the platform is silent. A dead instance here logs that it cannot write.
beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => {}))

interface Reading {
  text: string
  readonly over: Promise<void>
}

/** Reads a response. If it is cut off, returns what was read. */
function reading(response: Response): Reading {
  const reader = response.body?.getReader()
  const utf8 = new TextDecoder()
  const read = async (): Promise<void> => {
    for (let chunk = await reader?.read(); chunk?.value; chunk = await reader?.read())
      state.text += utf8.decode(chunk.value, { stream: true })
  }
  const state: Reading = {
    text: '',
    over: turn()
      .then(read)
      .catch(() => {}),
  }
  return state
}

const framesIn = (text: string): readonly string[] => text.split('\n\n').slice(0, -1)

function eventsIn(frames: readonly string[]): readonly RunEvent[] {
  const decode = decoder()
  return frames.filter((frame) => frame.startsWith('id: ')).map((frame) => decode(frame.slice(frame.indexOf('\ndata: ') + 7)))
}

/** Creates a chain with nested and concurrent runs. */
function chainOf(tokens: readonly string[], delayMs: number) {
  const model = scriptedModel([tokens], { delayMs })
  const spoken: Runnable<string, string> = model.pipe(new StringOutputParser())
  const answer: Runnable<string, unknown> = model
  return lambda(function question() {
    return 'go'
  }).pipe(parallel({ spoken, answer }))
}

test('after a crash at any point, the log contains every event that a reader received, and every run has ended', async () => {
  const plan = fc.record({
    tokens: fc.array(fc.constantFrom('a', 'bé', '\n\nid: 3\n', '…', 'long'.repeat(100)), { maxLength: 25 }),
    delayMs: fc.integer({ min: 0, max: 2 }),
    commitMs: fc.integer({ min: 0, max: 8 }),
    syncMs: fc.integer({ min: 0, max: 4 }),
    livesMs: fc.integer({ min: 0, max: 60 }),
    joinsMs: fc.integer({ min: 0, max: 30 }),
    byAlarm: fc.boolean(),
  })
  const statuses = new Set<unknown>()
  type Plan = typeof plan extends fc.Arbitrary<infer Value> ? Value : never
  const trial = async ({ tokens, delayMs, commitMs, syncMs, livesMs, joinsMs, byAlarm }: Plan): Promise<void> => {
    const disk = new Disk()
    const Chat = durable(chainOf(tokens, delayMs), { access: () => true, commitMs, retain: 1_000_000 })
    const first = new Chat(disk.context(syncMs), {})
    const readers = [reading(await first.fetch(start()))]
    // A platform would not have responded yet, so nothing has been acknowledged.
    await turn(joinsMs)
    readers.push(reading(await first.fetch(new Request(`${url}?after=2`))))
    await turn(livesMs)
    const second = new Chat(disk.context(syncMs), {})
    const seen = readers.map(({ text }) => framesIn(text))
    if (byAlarm) await second.alarm()
    const response = await second.fetch(new Request(url))
    const frames = framesIn(await response.text())
    if (response.status === 404) {
      expect(seen).toEqual([[], []])
      return
    }

    const events = eventsIn(frames)
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index))
    const record = recorder()
    for (const event of events) record(event)
    record.check()
    expect(seen[0]).toEqual(frames.slice(0, seen[0]?.length))
    expect(seen[1]).toEqual(frames.filter((frame) => !/^id: [012]\n/.test(frame)).slice(0, seen[1]?.length))
    const outcome = JSON.parse(frames.at(-1)?.replace('event: outcome\ndata: ', '') ?? '') as { status: string; error?: { code: string } }
    statuses.add(outcome.status)
    expect(outcome.status === 'complete').toBe(events.some(({ type, run }) => type === 'end' && run.id === ID))
    if (outcome.status !== 'complete') expect(outcome).toMatchObject({ status: 'failed', error: { code: 'interrupted' } })
    expect(await (await second.fetch(new Request(`${url}/status`))).json()).toMatchObject({ status: outcome.status, events: events.length })
  }
  await fc.assert(fc.asyncProperty(plan, trial), { numRuns: 60 })
  expect(statuses).toEqual(new Set(['complete', 'failed']))
}, 60_000)

test('after a crash at any commit, the outcome matches the log', async () => {
  const statuses: string[] = []
  while (statuses.filter((status) => status === 'complete').length < 3) {
    const disk = new Disk()
    const chain = scriptedModel([['a', 'b', 'c']], { delayMs: 3 }).pipe(new StringOutputParser())
    const Chat = durable(chain, { access: () => true, commitMs: 0 })
    const first = await new Chat(disk.context(1, statuses.length + 1), {}).fetch(start())
    await Promise.race([disk.died, first.text().catch(() => {})])
    const frames = framesIn(await (await new Chat(disk.context(0), {}).fetch(new Request(url))).text())
    const record = recorder()
    for (const event of eventsIn(frames)) record(event)
    record.check()
    const { status } = JSON.parse(frames.at(-1)?.replace('event: outcome\ndata: ', '') ?? '') as { status: string }
    expect(status).toBe(eventsIn(frames).at(-1)?.type === 'end' ? 'complete' : 'failed')
    statuses.push(status)
  }
  expect(statuses[0]).toBe('failed')
})

test('a run can be resumed after each seq, for any split into commits', async () => {
  const tokens = fc.array(fc.constantFrom('a', 'é', '\n\nid: 3\n', 'x'.repeat(60_000)), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(tokens, fc.integer({ min: 0, max: 3 }), async (spoken, commitMs) => {
      const chat = new (durable(chainOf(spoken, 1), { access: () => true, commitMs }))(new Disk().context(0), {})
      const whole = framesIn(await (await chat.fetch(start())).text())
      for (const seq of whole.keys()) {
        const rest = framesIn(await (await chat.fetch(new Request(url, { headers: { 'last-event-id': `${seq}` } }))).text())
        // The last frame is the outcome, which every reader receives.
        expect(rest).toEqual(whole.slice(Math.min(seq + 1, whole.length - 1)))
      }
    }),
    { numRuns: 8 },
  )
}, 60_000)

test('a seq past the end of the log reads the later events, and always the outcome', async () => {
  for (const after of ['7', '999999999', '9'.repeat(400)]) {
    const chat = new (durable(chainOf(['a', 'b'], 5), { access: () => true }))(new Disk().context(0), {})
    const whole = (await chat.fetch(start())).text()
    const early = await (await chat.fetch(new Request(url, { headers: { 'last-event-id': after } }))).text()
    expect(framesIn(early).at(-1)).toMatch(/^event: outcome\n/)
    expect(await whole).toContain(early)
  }
})

test('options bound by the server override those of the caller', async () => {
  const bound = chainOf(['a'], 0).withConfig({ metadata: { user: 'ann' } })
  const chat = new (durable(bound, { access: () => true }))(new Disk().context(0), {})
  const body = '{"input":"go","options":{"metadata":{"user":"bob","page":1}}}'
  const [first] = eventsIn(framesIn(await (await chat.fetch(start(body))).text()))
  expect(first?.run.metadata).toEqual({ user: 'ann', page: 1 })
})

test('the events between two commits are stored in one row', async () => {
  const disk = new Disk()
  const tokens = Array.from({ length: 200 }, (_, index) => `${index} `)
  const chat = new (durable(chainOf(tokens, 0), { access: () => true, commitMs: 1_000_000 }))(disk.context(1), {})
  const events = eventsIn(framesIn(await (await chat.fetch(start())).text()))
  expect(events.length).toBeGreaterThan(600)
  // The first commit is immediate; all other events are committed with the end.
  expect(disk.rows).toBe(2)
})

test('events of a commit that failed are sent once', async () => {
  const disk = new Disk()
  const { storage } = disk.context(0)
  let failures = 3
  const sync = (): Promise<void> => (failures-- > 0 ? Promise.reject(new Error('disk I/O error')) : storage.sync())
  const Chat = durable(chainOf(['a', 'b', 'c'], 5), { access: () => true, commitMs: 0 })
  const text = await (await new Chat({ storage: { ...storage, sync } }, {}).fetch(start())).text()
  expect(failures).toBeLessThan(0)
  expect(await (await new Chat(disk.context(0), {}).fetch(new Request(url))).text()).toBe(text)
})

test('an alarm lasts as long as its run; the next one deletes it', async () => {
  const disk = new Disk()
  const chat = new (durable(chainOf(['a', 'b'], 5), { access: () => true, retain: 50 }))(disk.context(0), {})
  const first = await chat.fetch(start())
  expect(disk.alarms).toHaveLength(1)
  let isOver = false
  const over = first.text().then(() => (isOver = true))
  await chat.alarm()
  await over
  expect(isOver).toBe(true)
  const { endedAt } = (await (await chat.fetch(new Request(`${url}/status`))).json()) as { endedAt: number }
  expect(disk.alarms.at(-1)).toBe(endedAt + 50)
  // An alarm that fires too early only sets the next one.
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThanOrEqual(endedAt + 50), patience)
  await chat.alarm()
  expect((await chat.fetch(new Request(url))).status).toBe(404)
  expect((await new (durable(chainOf([], 0)))(disk.context(0), {}).fetch(new Request(url))).status).toBe(404)
})

test('a handler that never settles does not keep the object and its run forever', async () => {
  const disk = new Disk()
  const stuck = Object.assign(() => {}, { flush: () => new Promise<void>(() => {}) })
  const chat = new (durable(chainOf(['a'], 0), { access: () => true, callbacks: [stuck], retain: 7_200_001 }))(disk.context(0), {})
  await (await chat.fetch(start())).text()
  const { endedAt } = (await (await chat.fetch(new Request(`${url}/status`))).json()) as { endedAt: number }
  vi.useFakeTimers({ toFake: ['Date'], now: endedAt + 7_200_000 })
  await chat.alarm()
  expect(disk.alarms.at(-1)).toBe(endedAt + 7_200_001)
  vi.setSystemTime(endedAt + 7_200_002)
  await chat.alarm()
  vi.useRealTimers()
  expect((await chat.fetch(new Request(url))).status).toBe(404)
})

test('with retain: Infinity no alarm is set after the run’s end', async () => {
  const disk = new Disk()
  const chat = new (durable(chainOf(['a'], 0), { access: () => true, retain: Number.POSITIVE_INFINITY }))(disk.context(0), {})
  await (await chat.fetch(start())).text()
  const alarms = disk.alarms.length
  await chat.alarm()
  expect(disk.alarms).toHaveLength(alarms)
  expect((await chat.fetch(new Request(url))).status).toBe(200)
})

test('over HTTPS the run’s cookie is Secure and expires with the run', async () => {
  const chat = new (durable(chainOf(['a'], 0), { retain: 5_000, limits: { age: 7_000 } }))(new Disk().context(0), {})
  const response = await chat.fetch(start())
  expect(response.headers.get('set-cookie')).toMatch(
    new RegExp(`^chaintap-run=[^;]+; Path=/chat/${ID}; Max-Age=12; HttpOnly; SameSite=Lax; Secure$`),
  )
  await response.text()
})

test('the path of a request adds no attribute to the run’s cookie', async () => {
  const Chat = durable(chainOf(['a'], 0))
  const disk = () => new Disk().context(0)
  const getByName = () => new Chat(disk(), {})
  const anyPath = fc.array(
    fc.oneof(fc.constantFrom(';', '=', ',', ' ', '\t', '%3B', '\r\n', '/', ';Domain=example.com', ';Max-Age=0'), fc.string()),
    {
      maxLength: 5,
    },
  )
  await fc.assert(
    fc.asyncProperty(anyPath, async (parts) => {
      const request = start()
      const response = await serveDurable(() => ({ getByName }))(new Request(new URL(`/chat${parts.join('')}`, url), request), {})
      const cookies = response.headers.getSetCookie()
      expect(cookies).toHaveLength(1)
      const names = cookies[0]?.split(';').map((attribute) => attribute.trim().split('=')[0])
      expect(names).toEqual(['chaintap-run', 'Path', 'Max-Age', 'HttpOnly', 'SameSite', 'Secure'])
      await response.text()
    }),
    { numRuns: 100 },
  )
})

test('rateLimit is called for each request that starts, reads or stops a run, before an object is created', async () => {
  const getByName = vi.fn()
  const paths: string[] = []
  const rateLimit = ({ url, method }: Request): boolean => {
    paths.push(`${method} ${new URL(url).pathname}`)
    return false
  }
  const handle = serveDurable(() => ({ getByName }), { rateLimit })
  const requests = [
    ['POST', '/chat'],
    ['GET', `/chat/${ID}`],
    ['GET', `/chat/${ID}/status`],
    ['POST', `/chat/${ID}/stop`],
  ] as const
  for (const [method, path] of requests) expect((await handle(new Request(`https://app.example${path}`, { method }), {})).status).toBe(429)
  expect(paths).toEqual(requests.map((request) => request.join(' ')))
  expect(getByName).not.toHaveBeenCalled()
})

test('a stop without a JSON content type, which needs a CORS preflight, is refused', async () => {
  const chat = new (durable(chainOf(['a', 'b'], 20)))(new Disk().context(0), {})
  const response = await chat.fetch(start())
  const [cookie = ''] = (response.headers.get('set-cookie') ?? '').split(';')
  const stop = (headers: Record<string, string>): Promise<Response> => chat.fetch(new Request(`${url}/stop`, { method: 'POST', headers }))
  const simple = [
    {},
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/x-www-form-urlencoded' },
    { 'content-type': 'multipart/form-data' },
  ]
  for (const headers of simple) {
    expect((await stop({ ...headers, cookie })).status).toBe(415)
    expect((await stop(headers as Record<string, string>)).status).toBe(404)
  }
  const status = await chat.fetch(new Request(`${url}/status`, { headers: { cookie } }))
  expect(await status.json()).toMatchObject({ status: 'running' })
  expect(await (await stop({ cookie, 'content-type': 'application/json' })).json()).toMatchObject({ status: 'aborted' })
  await response.text()
})

test('the message of a tool’s error is stored and sent only with exposeErrors, also if its event is filtered', async () => {
  const failing = tool(() => Promise.reject(new Error('the password is hunter2')), { name: 'db', description: 'A database.' })
  const chain = lambda(async (input: string, context) => {
    const results = await callTools([{ id: 'c1', name: 'db', args: { input } }], [failing], context)
    return scriptedModel(['done']).invoke([{ role: 'user', content: input }, ...results], context)
  })
  const textFor = async (options: Parameters<typeof durable>[1]): Promise<string> =>
    (await new (durable(chain, options))(new Disk().context(0), {}).fetch(start())).text()
  for (const events of [{}, { exclude: { types: ['error' as const] } }]) {
    const text = await textFor({ events })
    expect(text).not.toContain('hunter2')
    expect(text).toContain('"content":"Something went wrong on the server."')
  }
  expect(await textFor({ exposeErrors: true })).toContain('"content":"the password is hunter2"')
})

test('serveDurable() throws if cors lets any page call with cookies', () => {
  expect(() => serveDurable(() => undefined, { cors: { origin: '*', credentials: true } })).toThrow('credentials is true')
})

test('an error thrown by rateLimit responds with 500 and starts no run', async () => {
  const rateLimit = () => Promise.reject(new Error('the limiter of account 12345 is gone'))
  const getByName = vi.fn()
  const response = await serveDurable(() => ({ getByName }), { rateLimit })(new Request('https://app.example', { method: 'POST' }), {})
  expect(response.status).toBe(500)
  expect(await response.text()).not.toContain('12345')
  expect(getByName).not.toHaveBeenCalled()
})

test('an unreachable object responds with 503 and Retry-After', async () => {
  const fetch = () => Promise.reject(new Error('Durable Object is overloaded: account 12345'))
  const response = await serveDurable(() => ({ getByName: () => ({ fetch }) }))(new Request(url), {})
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
  expect(await response.text()).not.toContain('12345')
})

/** Creates a Worker in front of its objects, each with a disk of its own. */
function workerOf(Chat: DurableClass<object>) {
  const disks = new Map<string, Disk>()
  const objects = new Map<string, InstanceType<typeof Chat>>()
  const getByName = (name: string): InstanceType<typeof Chat> => {
    const disk = disks.get(name) ?? new Disk()
    disks.set(name, disk)
    const object = objects.get(name) ?? new Chat(disk.context(0), {})
    objects.set(name, object)
    return object
  }
  const handle = serveDurable(() => ({ getByName }))
  return {
    objects,
    /** Evicts the objects from memory. */
    restart: () => objects.clear(),
    post: (input: unknown, headers: Record<string, string> = {}): Promise<Response> =>
      handle(
        new Request('https://app.example/chat', {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify({ input }),
        }),
        {},
      ),
    get: (id: string, headers: Record<string, string> = {}): Promise<Response> =>
      handle(new Request(`https://app.example/chat/${id}`, { headers }), {}),
  }
}

const KEY = 'b3a1f0c8-5a55-4c0e-9d3c-2f6b1c7f9e10'
const keyed = { 'idempotency-key': `"${KEY}"` }
const idOf = (response: Response): string => response.headers.get('x-chaintap-run') ?? ''

describe('a POST with an Idempotency-Key', () => {
  test('starts no second run when repeated: concurrently, during the run, after its end, after a restart, quoted or not', async () => {
    const model = scriptedModel([['a', 'b', 'c']], { delayMs: 3 })
    const made = async (): Promise<Runnable<string, string>> => {
      await turn(2)
      return model.pipe(new StringOutputParser())
    }
    const { post, get, restart, objects } = workerOf(durable(made, { access: () => true, commitMs: 0 }))
    const both = await Promise.all([post('go', keyed), post('go', keyed)])
    await turn(5)
    const answers = [...both, await post('go', { 'idempotency-key': KEY })]
    const texts = await Promise.all(answers.map((answer) => answer.text()))
    for (const end of [() => {}, restart]) {
      end()
      const later = await post('go', keyed)
      answers.push(later)
      texts.push(await later.text())
    }
    expect(new Set(texts).size).toBe(1)
    expect(framesIn(texts[0] ?? '').at(-1)).toContain('"status":"complete"')
    const ids = new Set(answers.map(idOf))
    expect(ids.size).toBe(1)
    expect(objects.size).toBe(1)
    expect(model.record.inputs).toHaveLength(1)
    expect(await (await get([...ids][0] ?? '')).text()).toBe(texts[0])
  })

  test('without a key, or with another one, starts a run of its own', async () => {
    const model = scriptedModel([['a']])
    const { post } = workerOf(durable(model, { access: () => true }))
    const answers = [await post('go'), await post('go'), await post('go', keyed), await post('go', { 'idempotency-key': `${KEY}0` })]
    for (const answer of answers) await answer.text()
    expect(new Set(answers.map(idOf)).size).toBe(4)
    expect(model.record.inputs).toHaveLength(4)
  })

  test('repeated after a crash responds with the interrupted run and does not execute it again', async () => {
    const model = scriptedModel([['a', 'b', 'c', 'd']], { delayMs: 20 })
    const { post, restart } = workerOf(durable(model, { access: () => true, commitMs: 0 }))
    const first = reading(await post('go', keyed))
    await vi.waitFor(() => expect(first.text).toContain('event: token'), patience)
    restart()
    const text = await (await post('go', keyed)).text()
    expect(framesIn(text).at(-1)).toContain('"code":"interrupted"')
    expect(model.record.inputs).toHaveLength(1)
  })

  test('is refused with another body', async () => {
    const { post } = workerOf(durable(chainOf(['a'], 0), { access: () => true }))
    await (await post({ a: 1 }, keyed)).text()
    const other = await post({ a: 2 }, keyed)
    expect(other.status).toBe(422)
    expect(await other.json()).toEqual({ error: expect.stringContaining('Idempotency-Key') })
    expect((await post({ a: 1 }, keyed)).status).toBe(200)
  })

  test('gives no access to a run of another caller, with access', async () => {
    const { post } = workerOf(durable(chainOf(['a'], 0), { access: ({ headers }) => headers.get('x-user') ?? false }))
    const mine = await post('go', { ...keyed, 'x-user': 'ann' })
    const text = await mine.text()
    expect(await (await post('go', { ...keyed, 'x-user': 'ann' })).text()).toBe(text)
    expect((await post('go', keyed)).status).toBe(401)
    const theirs = await post('go', { ...keyed, 'x-user': 'bob' })
    expect(theirs.status).toBe(409)
    expect(await theirs.text()).not.toContain('event:')
    // The status does not reveal whether the body was guessed.
    expect((await post('no', { ...keyed, 'x-user': 'bob' })).status).toBe(409)
  })

  test('gives no access to a run of another caller, by default', async () => {
    const { post, get } = workerOf(durable(chainOf(['a'], 0)))
    const signed = { ...keyed, authorization: 'Bearer a' }
    await (await post('go', signed)).text()
    for (const theirs of [keyed, { ...keyed, authorization: 'Bearer b' }]) expect((await post('go', theirs)).status).toBe(409)
    const again = await post('go', signed)
    expect(again.status).toBe(200)
    expect((await get(idOf(again), { authorization: 'Bearer a' })).status).toBe(200)
  })

  test('sets the run’s cookie again when repeated, and both cookies give access', async () => {
    const { post, get } = workerOf(durable(chainOf(['a'], 0)))
    const answers = [await post('go', keyed), await post('go', keyed)]
    const texts = await Promise.all(answers.map((answer) => answer.text()))
    for (const answer of answers) {
      const [cookie = ''] = (answer.headers.get('set-cookie') ?? '').split(';')
      expect(cookie).not.toContain(KEY)
      expect(await (await get(idOf(answer), { cookie })).text()).toBe(texts[0])
    }
    expect((await get(idOf(answers[0] as Response))).status).toBe(404)
  })

  test('with an invalid or too short key is refused before an object is created', async () => {
    const { post, objects } = workerOf(durable(chainOf(['a'], 0), { access: () => true }))
    for (const key of ['', '""', '1', 'a'.repeat(256), `"${KEY}";a=1`, `${KEY}, ${KEY}`, `"${KEY}`, 'with a blank in its middle']) {
      const response = await post('go', { 'idempotency-key': key })
      expect([key, response.status]).toEqual([key, 400])
      expect(await response.json()).toEqual({ error: expect.stringContaining('Idempotency-Key') })
    }
    expect(objects.size).toBe(0)
  })

  test('a reader that lags behind when the run is deleted is disconnected, and receives no events of the next run', async () => {
    const { post, objects } = workerOf(durable(chainOf(['x'.repeat(60_000), 'y'.repeat(60_000)], 0), { access: () => true, retain: 1 }))
    const first = await post('go', keyed)
    const reader = (await post('go', keyed)).body?.getReader()
    await first.text()
    await reader?.read()
    const object = objects.get(idOf(first))
    await vi.waitFor(async () => {
      await object?.alarm()
      expect((await object?.fetch(new Request(`https://app.example/chat/${idOf(first)}`)))?.status).toBe(404)
    }, patience)
    expect(await (await post('go', keyed)).text()).toContain('"status":"complete"')
    await expect(reader?.read()).rejects.toThrow('was deleted')
  })

  test('after its run was deleted starts a new one, in the same object or another instance', async () => {
    const model = scriptedModel([['a', 'b']])
    const { post, objects, restart } = workerOf(durable(model, { access: () => true, retain: 1 }))
    for (const runs of [1, 2, 3]) {
      const answer = await post('go', keyed)
      const frames = framesIn(await answer.text())
      expect(eventsIn(frames).map(({ seq }) => seq)).toEqual(frames.slice(1).map((_, seq) => seq))
      expect(frames.at(-1)).toContain('"status":"complete"')
      expect(model.record.inputs).toHaveLength(runs)
      const object = objects.get(idOf(answer))
      await vi.waitFor(async () => {
        await object?.alarm()
        expect((await object?.fetch(new Request(`https://app.example/chat/${idOf(answer)}`)))?.status).toBe(404)
      }, patience)
      if (runs === 2) restart()
    }
  })
})
