import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { patience } from '../support/patience.ts'
import { type Provider, startProvider } from '../support/provider.ts'
import { type Caller, callBy, type RunningWorker, startWorker } from '../support/workerd.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 })
const source = 'test/support/workers/leaving.ts'

/** The clients that leave: name, request, and what each has read before it leaves. */
const clients: readonly [string, object, Record<string, string>, string][] = [
  ['events', { input: 'hi' }, {}, 'event: token'],
  ['text', { input: 'hi' }, { accept: 'text/plain' }, 'one '],
  ['ndjson', { input: 'hi' }, { accept: 'application/x-ndjson' }, '"type":"token"'],
  ['ui-message', { id: 'c', messages: [{ id: 'm', role: 'user', parts: [{ type: 'text', text: 'hi' }] }] }, {}, 'text-delta'],
  ['openai', { model: 'm', stream: true, messages: [{ role: 'user', content: 'hi' }] }, {}, '"content":"one '],
  ['openai without a stream', { model: 'm', messages: [{ role: 'user', content: 'hi' }] }, {}, ''],
]

const reader = clients[0] as (typeof clients)[number]

let provider: Provider
let silent: Provider
beforeAll(async () => {
  provider = await startProvider()
  silent = await startProvider({ paceMs: 600_000 })
})
afterAll(() => Promise.all([provider.stop(), silent.stop()]))

async function reportsOf({ url }: RunningWorker): Promise<readonly string[]> {
  return (await (await fetch(`${url}/reports`)).json()) as string[]
}

/** Leaves in the middle of a response. Resolves to what the Worker's handler reports about it. */
async function leaving(
  worker: RunningWorker,
  path: string,
  [, body, headers, mark]: (typeof clients)[number],
  provider: Provider,
): Promise<readonly string[]> {
  const left = provider.left()
  const caller: Caller = callBy(`${worker.url}${path}`, body, headers)
  await vi.waitFor(() => expect(provider.open()).toBe(1), patience)
  await caller.until(mark)
  // While nothing is written, local workerd detects only a broken connection, not a closed one.
  if (mark === '') caller.reset()
  else caller.leave()
  await vi.waitFor(() => expect([provider.open(), provider.left()]).toEqual([0, left + 1]), patience)
  const reports: string[] = []
  await vi.waitFor(async () => {
    reports.push(...(await reportsOf(worker)))
    expect(reports.length).toBeGreaterThanOrEqual(2)
  }, patience)
  return reports
}

describe.each([
  ['with enable_request_signal', ['enable_request_signal'], '2026-09-15'],
  ['without the flag', [], '2026-09-15'],
  ['with an old compatibility date', [], '2024-09-01'],
])('a client that leaves, in workerd %s (P2)', (_, flags, date) => {
  let worker: RunningWorker
  beforeAll(async () => {
    worker = await startWorker({ source, flags, date, bindings: { PROVIDER: provider.url, SILENT: silent.url } })
  })
  afterAll(() => worker.stop())

  // Without the flag only a stream can be cancelled.
  const detectable = clients.filter(([name]) => flags.length > 0 || !name.includes('without'))
  it.each(detectable)(
    '%s: the provider’s connection closes, the run ends with Disconnect, and waitUntil work completes',
    async (...client) => {
      expect(await leaving(worker, '/', client, provider)).toEqual(['error Disconnect', 'flushed'])
    },
  )

  it('the same while other waitUntil work is pending', async () => {
    expect(await leaving(worker, '/pending', reader, provider)).toEqual(['error Disconnect', 'flushed'])
  })

  it('the same while the model is silent, detected by the heartbeat', async () => {
    const [name, body, headers] = reader
    expect(await leaving(worker, '/silent', [name, body, headers, ': heartbeat'], silent)).toEqual(['error Disconnect', 'flushed'])
  })

  it('doctor() names the missing settings', async () => {
    const found = (await (await fetch(`${worker.url}/doctor`)).json()) as { code: string }[]
    expect(found.map(({ code }) => code)).toEqual([
      ...(flags.length > 0 ? [] : ['no_request_signal']),
      ...(date < '2024-12-16' ? ['no_backpressure'] : []),
    ])
  })

  it('serve() logs them to the console once for each handler, on localhost', () => {
    expect(worker.output().match(/enable_request_signal/g) ?? []).toHaveLength(flags.length > 0 ? 0 : 2)
  })
})

describe('without the third argument of fetch', () => {
  it.each([
    ['with the flag the run is stopped', ['enable_request_signal']],
    ['without the flag at least the provider’s connection closes', []],
  ])('%s', async (_, flags) => {
    const worker = await startWorker({ source, flags, bindings: { PROVIDER: provider.url } })
    try {
      const left = provider.left()
      const caller = callBy(`${worker.url}/without`, { input: 'hi' })
      await caller.until('event: token')
      caller.leave()
      await vi.waitFor(() => expect([provider.open(), provider.left()]).toEqual([0, left + 1]), patience)
      if (flags.length > 0) expect(await reportsOf(worker)).toContain('error Disconnect')
      expect(worker.output()).toMatch(/waitUntil/)
    } finally {
      await worker.stop()
    }
  })
})

describe('a connected client that does not read (P6)', () => {
  it('stops the provider', async () => {
    const talkative = await startProvider({ paceMs: 0 })
    const worker = await startWorker({ source, bindings: { PROVIDER: talkative.url } })
    const caller = callBy(`${worker.url}/`, { input: 'hi' })
    try {
      await caller.until('event: token')
      caller.pause()
      let before = -1
      await vi.waitFor(
        () => {
          const [last, now] = [before, talkative.tokens()]
          before = now
          expect(now).toBe(last)
        },
        { timeout: 50_000, interval: 1_000 },
      )
      expect(talkative.open()).toBe(1)
    } finally {
      caller.leave()
      await worker.stop()
      await talkative.stop()
    }
  })
})
