import { lambda, parallel, type RunEvent, type Runnable, StringOutputParser } from 'chaintap'
import { durable, serveDurable } from 'chaintap/durable'
import { decoder } from 'chaintap/json'
import { recorder, scriptedModel } from 'chaintap/testing'
import fc from 'fast-check'
import { beforeEach, expect, test, vi } from 'vitest'
import { Disk } from '../support/durable/disk.ts'
import { patience } from '../support/patience.ts'
import { turn } from '../support/sources.ts'

// The object over Node's SQLite, where a test can end it at any moment; durable.node.test.ts has it in workerd.

const ID = '01a1ff0e-9853-7051-843f-760bb9f366e2'
const url = `https://app.example/chat/${ID}`
const start = (): Request =>
  new Request(`${url}/start`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"input":"go"}' })

// A dead instance of the platform's says nothing more; one of these finds that it cannot write, and complains.
beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => {}))

interface Reading {
  text: string
  readonly over: Promise<void>
}

/** Reads as it comes; a reader that is cut off has what it has. */
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

/** Some runs below runs, side by side. */
function chainOf(tokens: readonly string[], delayMs: number) {
  const model = scriptedModel([tokens], { delayMs })
  const said: Runnable<string, string> = model.pipe(new StringOutputParser())
  const answer: Runnable<string, unknown> = model
  return lambda(function question() {
    return 'go'
  }).pipe(parallel({ said, answer }))
}

test('wherever the object dies, all that any reader saw is in the history, which is closed and whole', async () => {
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
    // Where a platform would not have answered yet, nothing has been promised.
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

test('after whichever commit the object dies, the outcome is what the history says', async () => {
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

test('a run is read on from each number, whatever its commits hold', async () => {
  const tokens = fc.array(fc.constantFrom('a', 'é', '\n\nid: 3\n', 'x'.repeat(60_000)), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(tokens, fc.integer({ min: 0, max: 3 }), async (said, commitMs) => {
      const chat = new (durable(chainOf(said, 1), { access: () => true, commitMs }))(new Disk().context(0), {})
      const whole = framesIn(await (await chat.fetch(start())).text())
      for (const seq of whole.keys()) {
        const rest = framesIn(await (await chat.fetch(new Request(url, { headers: { 'last-event-id': `${seq}` } }))).text())
        // The last frame is the outcome, and told to all.
        expect(rest).toEqual(whole.slice(Math.min(seq + 1, whole.length - 1)))
      }
    }),
    { numRuns: 8 },
  )
}, 60_000)

test('what comes between two commits is one row', async () => {
  const disk = new Disk()
  const tokens = Array.from({ length: 200 }, (_, index) => `${index} `)
  const chat = new (durable(chainOf(tokens, 0), { access: () => true, commitMs: 1_000_000 }))(disk.context(1), {})
  const events = eventsIn(framesIn(await (await chat.fetch(start())).text()))
  expect(events.length).toBeGreaterThan(600)
  // The first pass at once, and all the rest with the end.
  expect(disk.rows).toBe(2)
})

test('an alarm lasts as long as its run; the next one forgets it', async () => {
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
  // Too early, it only comes again.
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThanOrEqual(endedAt + 50), patience)
  await chat.alarm()
  expect((await chat.fetch(new Request(url))).status).toBe(404)
  expect((await new (durable(chainOf([], 0)))(disk.context(0), {}).fetch(new Request(url))).status).toBe(404)
})

test('kept for ever, it sets no alarm after its end', async () => {
  const disk = new Disk()
  const chat = new (durable(chainOf(['a'], 0), { access: () => true, retain: Number.POSITIVE_INFINITY }))(disk.context(0), {})
  await (await chat.fetch(start())).text()
  const alarms = disk.alarms.length
  await chat.alarm()
  expect(disk.alarms).toHaveLength(alarms)
  expect((await chat.fetch(new Request(url))).status).toBe(200)
})

test('over https the starter’s cookie is secure, and lasts as long as the run', async () => {
  const chat = new (durable(chainOf(['a'], 0), { retain: 5_000, limits: { age: 7_000 } }))(new Disk().context(0), {})
  const response = await chat.fetch(start())
  expect(response.headers.get('set-cookie')).toMatch(
    new RegExp(`^chaintap-run=[^;]+; Path=/chat/${ID}; Max-Age=12; HttpOnly; SameSite=Lax; Secure$`),
  )
  await response.text()
})

test('an object that cannot be reached is 503, to be asked again', async () => {
  const fetch = () => Promise.reject(new Error('Durable Object is overloaded: account 12345'))
  const response = await serveDurable(() => ({ getByName: () => ({ fetch }) }))(new Request(url), {})
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
  expect(await response.text()).not.toContain('12345')
})
