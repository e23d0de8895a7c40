import { type LogRecord, type LogStore, MemoryLogStore, type ShipBatch, type Shipper, shipTo, withoutContent } from 'chaintap/log'
import { importLog } from 'chaintap/log-export'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { all, logMessage, run } from '../../contracts/log-store.ts'
import { patience } from '../../support/patience.ts'
import { mentions } from '../../support/secrets.ts'
import { agentLog, logs, recordsIn, storeOf } from '../export/samples.ts'

const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')
const shippers: Shipper[] = []

afterEach(async () => {
  for (const shipper of shippers.splice(0)) await shipper[asyncDispose]()
})

/** Starts a delivery that ends with the test. Records wait for `flush`, except errors. */
const ship: typeof shipTo = (store, target, options) => {
  const shipper = shipTo(store, target, { delayMs: 1e9, ...options })
  shippers.push(shipper)
  return shipper
}

const ids = (body: string): readonly string[] =>
  body
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line).id as string)

/** A target that records batches and answers with these statuses first. `lost`: it accepts the batch, but the sender gets 503. */
function server(...statuses: (number | Error | 'lost')[]) {
  const batches: ShipBatch[] = []
  const kept: string[] = []
  const take = async (batch: ShipBatch): Promise<Response> => {
    batches.push(batch)
    const status = statuses.shift() ?? 204
    if (status === 'lost' || (typeof status === 'number' && status < 300)) kept.push(batch.body)
    if (status instanceof Error) throw status
    return new Response(null, { status: status === 'lost' ? 503 : status, headers: { 'retry-after': '0' } })
  }
  return { batches, kept, take, received: () => kept.flatMap(ids) }
}

const idsIn = async (store: LogStore): Promise<readonly string[]> =>
  (await all(store.read())).flatMap((record) => ('category' in record && record.category[0] === 'chaintap.shipped' ? [] : [record.id]))

describe('shipTo()', () => {
  test('delivers present and later records in log order, as NDJSON that importLog() reads', async () => {
    const store = await storeOf(agentLog.slice(0, 5))
    const { take, kept, received } = server()
    const shipper = ship(store, take)
    await shipper.flush()
    await store.append(agentLog.slice(5))
    await shipper.flush()
    await shipper.flush()
    expect(received()).toEqual(await idsIn(store))
    const copy = new MemoryLogStore()
    for (const body of kept) await importLog(copy, body)
    expect(await recordsIn(copy)).toEqual(agentLog)
  })

  test('delivers every record, in order by id, in spite of failing attempts', async () => {
    const status = fc.constantFrom<200 | 429 | 503 | 'lost'>(200, 429, 503, 'lost')
    await fc.assert(
      fc.asyncProperty(logs, fc.array(status, { maxLength: 8 }), fc.nat(40), async (records, statuses, cut) => {
        const store = await storeOf(records.slice(0, cut))
        const { take, received } = server(...statuses)
        await ship(store, take).flush()
        await store.append(records.slice(cut))
        // Another page visit.
        await shippers.pop()?.[asyncDispose]()
        const shipper = ship(store, take)
        await shipper.flush()
        expect([...new Set(received())]).toEqual(await idsIn(store))
        await shippers.pop()?.[asyncDispose]()
      }),
      { numRuns: 40 },
    )
  })

  test('continues at the stored cursor, which each `name` has of its own', async () => {
    const store = await storeOf([logMessage('one')])
    const [a, b] = [server(), server()]
    await ship(store, a.take, { name: 'a' }).flush()
    await shippers.pop()?.[asyncDispose]()
    await store.append([logMessage('two')])
    await ship(store, a.take, { name: 'a' }).flush()
    await ship(store, b.take, { name: 'b' }).flush()
    expect(a.batches.map(({ records }) => records)).toEqual([1, 1])
    expect(b.batches.map(({ records }) => records)).toEqual([2])
  })

  test('stores its cursor in a log whose `keep` is withoutContent()', async () => {
    const store = new MemoryLogStore({ keep: withoutContent() })
    await store.append([logMessage('one')])
    const { take, batches } = server()
    await ship(store, take).flush()
    await shippers.pop()?.[asyncDispose]()
    await ship(store, take).flush()
    expect(batches).toHaveLength(1)
  })

  test('stores its cursor in spite of log rules, and without the secrets of the URL (P11)', async () => {
    for (const options of [
      { keep: (record: LogRecord) => ('message' in record ? undefined : record) },
      { redact: [/\d{3,}|000|o/, 'category'] },
    ]) {
      const store = new MemoryLogStore(options)
      const fetch = vi.fn(async (_url: unknown, _init?: RequestInit) => new Response())
      const urls = ['https://logs.example/sk-abcdefgh12345678/in', 'https://logs.example/sk-abcdefgh87654321/in']
      for (let visit = 1; visit < 3; visit++) {
        await store.append([{ run: run('r'), at: visit, seq: visit, type: 'text', text: 'x' }])
        for (const url of urls) {
          await ship(store, url, { fetch }).flush()
          await shippers.pop()?.[asyncDispose]()
        }
        expect(fetch.mock.calls.map(([url]) => url)).toEqual(visit === 1 ? urls : [...urls, ...urls])
      }
      for (const [, init] of fetch.mock.calls) expect(ids(init?.body as string)).toHaveLength(1)
      expect(mentions(await all(store.read()), 'abcdefgh')).toEqual([])
    }
  })

  test('starts from the beginning if the external cursor belongs to another log', async () => {
    let kept: string | undefined
    const cursor = {
      load: () => kept,
      save: (cursor: string) => {
        kept = cursor
      },
    }
    const { take, received } = server()
    const expected: string[] = []
    for (const texts of [['one', 'two', 'three'], ['four'], ['five', 'six']]) {
      const store = new MemoryLogStore()
      for (const text of texts) await store.append([logMessage(text)])
      expected.push(...(await idsIn(store)))
      const shipper = ship(store, take, { cursor })
      await shipper.flush()
      await shipper.flush()
      await shipper[asyncDispose]()
    }
    expect(received()).toEqual(expected)
  })

  test('uses the `cursor` option; a cursor that cannot be saved is kept in memory', async () => {
    const store = await storeOf([logMessage('one')])
    const { take, batches } = server()
    let kept: string | undefined
    const cursor = { load: () => kept, save: vi.fn((cursor: string) => Promise.reject(new Error(cursor))) }
    const shipper = ship(store, take, { cursor })
    await shipper.flush()
    await store.append([logMessage('two')])
    await shipper.flush()
    expect(batches.map(({ records }) => records)).toEqual([1, 1])
    kept = cursor.save.mock.calls[1]?.[0]
    await ship(store, take, { cursor }).flush()
    expect(batches).toHaveLength(2)
    expect(await recordsIn(store)).toHaveLength(2)
  })

  test('sends errors at once, together with the records before them', async () => {
    const store = await storeOf([])
    const { take, batches } = server()
    await ship(store, take).flush()
    store.logger('app').info('fine')
    store.logger('app').error('broken')
    await vi.waitFor(() => expect(batches.map(({ records }) => records)).toEqual([2]), patience)
  })

  test('sends waiting records after `delayMs`', async () => {
    const store = await storeOf([])
    const { take, batches } = server()
    ship(store, take, { delayMs: 10 })
    store.logger('app').info('fine')
    await vi.waitFor(() => expect(batches.map(({ records }) => records)).toEqual([1]), patience)
  })

  test('sends only records that match the filter options', async () => {
    const store = await storeOf(agentLog)
    const { take, kept } = server()
    await ship(store, take, { level: 'warning' }).flush()
    await ship(store, take, { kind: 'tool', name: 'tools' }).flush()
    expect(kept.map((body) => body.match(/half <way>|Calculator/)?.[0])).toEqual(['half <way>', 'Calculator'])
  })

  test('limits batches to 60,000 bytes; a larger record gets a batch of its own without keepalive', async () => {
    const texts = [...Array.from({ length: 40 }, (_, i) => `${i}é`.repeat(1_000)), 'x'.repeat(200_000), 'last']
    const { take, batches } = server()
    await ship(await storeOf(texts.map((text) => logMessage(text))), take).flush()
    expect(batches.filter(({ bytes }) => bytes > 60_000)).toMatchObject([{ records: 1, keepalive: false }])
    expect(batches.reduce((sum, { records }) => sum + records, 0)).toBe(42)
    for (const { body, bytes, keepalive } of batches) {
      expect(new TextEncoder().encode(body)).toHaveLength(bytes)
      expect(keepalive).toBe(bytes <= 60_000)
    }
  })

  test('limits batches to 500 records', async () => {
    const { take, batches } = server()
    await ship(await storeOf(Array.from({ length: 1_100 }, () => logMessage('x'))), take).flush()
    expect(batches.map(({ records }) => records)).toEqual([500, 500, 100])
  })

  test('retries with the same ids and calls onRetry with each error', async () => {
    const store = await storeOf([logMessage('one')])
    const offline = new TypeError('Failed to fetch')
    const { take, batches, received } = server(503, 429, offline)
    const errors: unknown[] = []
    await ship(store, take, { onRetry: (error) => errors.push(error) }).flush()
    expect(batches).toHaveLength(4)
    expect(new Set(batches.map(({ body }) => body)).size).toBe(1)
    // Retries do without keepalive: it may have been refused because other requests had used up the limit.
    expect(batches.map(({ keepalive }) => keepalive)).toEqual([true, false, false, false])
    expect(errors).toEqual([
      expect.objectContaining({ message: expect.stringContaining('503') }),
      expect.objectContaining({ code: 'ship_refused' }),
      offline,
    ])
    expect(received()).toEqual(await idsIn(store))
  })

  test('waits for the time in Retry-After before it retries', async () => {
    const store = await storeOf([logMessage('one')])
    const batches: ShipBatch[] = []
    const take = (batch: ShipBatch) => {
      batches.push(batch)
      return batches.length === 1 ? new Response(null, { status: 429, headers: { 'retry-after': '3600' } }) : undefined
    }
    const { setTimeout: realSetTimeout } = globalThis
    await recordsIn(store)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const flushed = ship(store, take).flush()
      const settled = () => new Promise((resolve) => realSetTimeout(resolve, 20))
      while (vi.getTimerCount() === 0) await settled()
      await vi.advanceTimersByTimeAsync(3_599_999)
      await settled()
      expect(batches).toHaveLength(1)
      await vi.advanceTimersByTimeAsync(1)
      await flushed
      expect(batches).toHaveLength(2)
    } finally {
      vi.useRealTimers()
    }
  })

  test.each([400, 401, 403, 404, 413, 301])('ends with ship_refused after status %d and leaves the records in the log', async (status) => {
    const store = await storeOf([logMessage('one')])
    const { take, batches } = server(status)
    const errors: unknown[] = []
    const shipper = ship(store, take, { name: 'here', onError: (error) => errors.push(error) })
    const refusal = {
      name: 'ChaintapError',
      code: 'ship_refused',
      message: expect.stringContaining(`here refused log records with status ${status}`),
    }
    await expect(shipper.flush()).rejects.toMatchObject(refusal)
    await expect(shipper.closed).rejects.toMatchObject(refusal)
    await expect(shipper.flush()).rejects.toMatchObject(refusal)
    expect(errors).toMatchObject([refusal])
    await store.append([logMessage('two')])
    expect(batches).toHaveLength(1)
    const next = server()
    await ship(store, next.take, { name: 'here' }).flush()
    expect(next.received()).toEqual(await idsIn(store))
  })

  test('sends nothing after it was disposed of, its signal aborted or its log closed', async () => {
    for (const how of ['dispose', 'signal', 'closed log'] as const) {
      const store = await storeOf([logMessage('one')])
      const { take, batches } = server()
      const controller = new AbortController()
      const shipper = ship(store, take, { signal: controller.signal, onError: () => expect.unreachable() })
      await shipper.flush()
      if (how === 'dispose') await shipper[asyncDispose]()
      if (how === 'signal') controller.abort()
      if (how === 'closed log') await store[asyncDispose]()
      await shipper.closed
      store.logger('app').error('late')
      await expect(shipper.flush()).rejects.toMatchObject({ code: 'log_closed' })
      expect(batches).toHaveLength(1)
    }
  })

  test('aborts a pending delivery when it is disposed of', async () => {
    const store = await storeOf([logMessage('one')])
    const sent = Promise.withResolvers<AbortSignal>()
    const shipper = ship(store, ({ signal }) => {
      sent.resolve(signal)
      return new Promise<void>(() => {})
    })
    const flushed = shipper.flush().catch((error: unknown) => error)
    const signal = await sent.promise
    await shipper[asyncDispose]()
    expect(await flushed).toMatchObject({ code: 'log_closed' })
    expect(signal.aborted).toBe(true)
  })

  test('sends nothing if its signal is already aborted', async () => {
    const { take, batches } = server()
    const shipper = ship(await storeOf([logMessage('one')]), take, { signal: AbortSignal.abort() })
    await shipper.closed
    expect(batches).toEqual([])
  })

  test('POSTs to a URL, calls `headers` before each attempt and keeps the query out of errors and log (P11)', async () => {
    const calls: [unknown, RequestInit | undefined][] = []
    const fetch = async (url: unknown, init?: RequestInit): Promise<Response> => {
      calls.push([url, init])
      return new Response('', { status: calls.length === 1 ? 500 : 200, headers: { 'retry-after': '0' } })
    }
    let tokens = 0
    const store = await storeOf([logMessage('one')])
    const errors: unknown[] = []
    const headers = () => ({ 'x-token': `${++tokens}` })
    await ship(store, 'https://logs.example/in?key=abc', { fetch, headers, onRetry: (error) => errors.push(error) }).flush()
    expect(calls).toMatchObject([
      [
        'https://logs.example/in?key=abc',
        { method: 'POST', headers: { 'content-type': 'application/x-ndjson', 'x-token': '1' }, keepalive: true, redirect: 'manual' },
      ],
      ['https://logs.example/in?key=abc', { headers: { 'x-token': '2' }, keepalive: false }],
    ])
    expect(String(errors[0])).toContain('https://logs.example/in refused log records with status 500')
    expect(JSON.stringify([errors, await recordsIn(store)])).not.toContain('abc')
  })
})

/** A log with `isDurable: true`, so that tabs share it. */
class SharedLog extends MemoryLogStore {
  override get isDurable(): boolean {
    return true
  }
}

describe('several shippers of one log', () => {
  test('deliver each record at least once, and exactly once with Web Locks', async () => {
    const store = new SharedLog()
    await store.append(agentLog)
    const { take, received } = server()
    const slowly = async (batch: ShipBatch): Promise<Response> => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      return take(batch)
    }
    const tabs = [ship(store, slowly), ship(store, slowly), ship(store, slowly)]
    for (let tab = tabs.at(-1); tab; tabs.pop(), tab = tabs.at(-1)) {
      await store.append([{ run: run('r'), at: 1, seq: 0, type: 'text', text: 'x' } satisfies LogRecord])
      await Promise.all(tabs.map((open) => open.flush()))
      await tab[asyncDispose]()
    }
    const expected = await idsIn(store)
    expect([...new Set(received())]).toEqual(expected)
    if ('locks' in navigator) expect(received()).toEqual(expected)
  })

  test('flush() rejects with log_closed if its shipper is disposed of while another one delivers', async () => {
    const store = new SharedLog()
    await store.append(agentLog)
    await new Promise<void>((begun) => {
      const busy = ship(store, () => new Promise<void>(() => begun()))
      busy.flush().catch(() => {})
    })
    const waiting = ship(store, () => {})
    const flushed = waiting.flush().catch((error: unknown) => error)
    await waiting[asyncDispose]()
    expect(await flushed).toMatchObject({ code: 'log_closed' })
  })
})
