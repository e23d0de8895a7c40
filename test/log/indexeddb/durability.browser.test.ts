import type { RunEvent } from 'chaintap'
import { IndexedDBLogStore } from 'chaintap/indexeddb'
import { type LogStore, type StoredRecord, shipTo } from 'chaintap/log'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { SegmentHeader } from '../../../src/log/segment/segment.ts'
import { all, first, logMessage, run, textsOf, toLogRecord } from '../../contracts/log-store.ts'
import { patience } from '../../support/patience.ts'
import { turn } from '../../support/sources.ts'
import { tab } from '../../support/tab.ts'

const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')
const opened: IndexedDBLogStore[] = []
const read = (store: LogStore) => all(store.read())

afterEach(async () => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  for (const store of opened.splice(0)) {
    await store[asyncDispose]()
    indexedDB.deleteDatabase(`chaintap:${store.name}`)
  }
})

function make(options: ConstructorParameters<typeof IndexedDBLogStore>[0] = {}): IndexedDBLogStore {
  const store = new IndexedDBLogStore({ name: `page-${Math.random()}`, ...options })
  opened.push(store)
  return store
}

/** Reads the database on a separate connection. */
async function readDatabase(name: string): Promise<{ readonly heads: readonly SegmentHeader[]; readonly bodies: readonly string[] }> {
  const promisify = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
  const db = await promisify(indexedDB.open(`chaintap:${name}`))
  db.onversionchange = () => db.close()
  const transaction = db.transaction(['heads', 'bodies'])
  const [heads, bodies] = await Promise.all([
    promisify(transaction.objectStore('heads').getAll()),
    promisify(transaction.objectStore('bodies').getAll()),
  ])
  db.close()
  return { heads, bodies }
}

/** Collects the connections that start transactions from now on. */
function connections(): IDBDatabase[] {
  const seen: IDBDatabase[] = []
  const transaction = IDBDatabase.prototype.transaction
  vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...args) {
    if (!seen.includes(this)) seen.push(this)
    return transaction.apply(this, args)
  })
  return seen
}

const model = run('model', { kind: 'chat_model', metadata: { user: 7 } })
const start: RunEvent = { run: model, at: 1, seq: 0, type: 'start', input: [] }
const token = (seq: number): RunEvent => ({ run: model, at: seq, seq, type: 'token', token: `t${seq}` })
const end = (seq: number): RunEvent => ({ run: model, at: seq, seq, type: 'end', output: 'all' })

describe('IndexedDBLogStore storage', () => {
  test('stores one value per flush, one line for the tokens of a run, and a Run object with its start only', async () => {
    const store = make()
    await store.append([start, token(1), logMessage('x'), token(2), token(3)])
    await store.append([token(4), token(5)])
    const { heads, bodies } = await readDatabase(store.name)
    expect(heads.map(({ records }) => records)).toEqual([5, 2])
    expect(bodies.join('\n').split('\n')).toHaveLength(4)
    expect(bodies.join('\n').split('"metadata"')).toHaveLength(2)
    expect(store.isDurable).toBe(true)
  })

  test('uses the database chaintap:<name>, and a later page reads it', async () => {
    const store = make({ name: 'output' })
    await store.append([logMessage('one')])
    await store[asyncDispose]()
    const again = make({ name: 'output' })
    expect(textsOf(await read(again))).toEqual(['one'])
    expect((await readDatabase('output')).heads).toHaveLength(1)
  })

  test('enforces `retain` without a call of prune()', async () => {
    const store = make({ retain: { maxBytes: 300_000 } })
    for (let i = 0; i < 60; i++) await store.append([logMessage('x'.repeat(20_000)), logMessage(`${i}`)])
    await vi.waitFor(async () => {
      const { heads } = await readDatabase(store.name)
      expect(heads.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(330_000)
    }, patience)
    expect(textsOf(await read(store)).at(-1)).toBe('59')
  })

  test('enforces `retain` without Web Locks', async () => {
    vi.spyOn(navigator, 'locks', 'get').mockReturnValue(undefined as never)
    const store = make({ retain: { maxBytes: 50_000 } })
    for (let i = 0; i < 20; i++) await store.append([logMessage('x'.repeat(20_000))])
    await vi.waitFor(async () => expect((await readDatabase(store.name)).heads.length).toBeLessThan(5), patience)
  })
})

test('neither the database nor the journal contains a secret (P11)', async () => {
  const secret = 'sk-ant-api03-AbCdEfGhIjKl_1'
  const set = vi.spyOn(Storage.prototype, 'setItem')
  const store = make()
  await store.append([logMessage(`my key is ${secret}`, { properties: { headers: { 'x-api-key': 'plain-and-short' } } })])
  store.write(logMessage(`and again ${secret}`))
  dispatchEvent(new Event('pagehide'))
  expect(set).toHaveBeenCalledOnce()
  await store.flush()
  const { bodies } = await readDatabase(store.name)
  expect(bodies).toHaveLength(2)
  for (const text of [...bodies, ...set.mock.calls.flat()]) expect(text).not.toMatch(/AbCd|plain-and/)
})

test('the journal of a closed page is stored in the log of exactly that name, and clear() removes it', async () => {
  const name = `noted-${Math.random()}`
  const key = (of: string) => `chaintap:${of}:other.1`
  const head = { name: 'other.1', records: 1, bytes: 10, from: 1, to: 1, level: 2, runs: [], roots: [], elsewhere: [] }
  const body = JSON.stringify({ level: 'info', at: 1, category: ['x'], message: 'noted', properties: {} })
  for (const of of [name, `${name}:longer`]) localStorage.setItem(key(of), JSON.stringify({ head, body }))
  const store = make({ name })
  expect(textsOf(await read(store))).toEqual(['noted'])
  expect([localStorage.getItem(key(name)), localStorage.getItem(key(`${name}:longer`))]).toEqual([null, expect.any(String)])
  localStorage.setItem(key(name), 'more')
  await store.clear()
  expect(localStorage.getItem(key(name))).toBeNull()
  localStorage.removeItem(key(`${name}:longer`))
})

test.each(['no JSON', 'null', '{}', '{"head":{"name":"x"}}'])('an invalid journal entry (%s) is removed', async (entry) => {
  const name = `noted-${Math.random()}`
  localStorage.setItem(`chaintap:${name}:x`, entry)
  const store = make({ name })
  await store.append([logMessage('one')])
  expect(store.isDurable).toBe(true)
  expect(textsOf(await read(store))).toEqual(['one'])
  expect(localStorage.getItem(`chaintap:${name}:x`)).toBeNull()
})

test('an empty database created by others gets its object stores', async () => {
  const name = `page-${Math.random()}`
  await new Promise((resolve) => {
    const request = indexedDB.open(`chaintap:${name}`)
    request.onsuccess = () => resolve(request.result.close())
  })
  const store = make({ name })
  await store.append([logMessage('one')])
  expect(store.isDurable).toBe(true)
  expect((await readDatabase(name)).heads).toHaveLength(1)
})

describe('when records are saved', () => {
  const isThere = async (store: IndexedDBLogStore, count: number): Promise<void> => {
    await vi.waitFor(async () => {
      const { heads } = await readDatabase(store.name)
      expect(heads.reduce((sum, { records }) => sum + records, 0)).toBe(count)
    }, patience)
  }

  test('without a flush, after a short delay', async () => {
    const store = make()
    store.write(logMessage('one'))
    store.write(logMessage('two'))
    await isThere(store, 2)
    expect((await readDatabase(store.name)).heads).toHaveLength(1)
  })

  test.each([
    ['an error', logMessage('x', { level: 'error' })],
    ['the end of a root run', end(1)],
    [
      'the failure of a root run',
      { run: model, at: 1, seq: 1, type: 'error', error: new Error('x'), partial: undefined } satisfies RunEvent,
    ],
  ])('at once, with %s', async (_, record) => {
    const store = make()
    await store.append([start])
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    store.write(logMessage('before'))
    store.write(record)
    vi.useRealTimers()
    await isThere(store, 3)
  })

  test('errors are written with durability strict, other records with relaxed', async () => {
    const store = make()
    await store.flush()
    await read(store)
    const begin = vi.spyOn(IDBDatabase.prototype, 'transaction')
    await store.append([logMessage('x')])
    await store.append([logMessage('x', { level: 'fatal' })])
    await store.append([logMessage('x')])
    const writes = begin.mock.calls.filter(([, mode]) => mode === 'readwrite')
    expect(writes.map(([, , options]) => options?.durability)).toEqual(['relaxed', 'strict', 'relaxed'])
  })

  test.each([
    ['pagehide', () => dispatchEvent(new Event('pagehide'))],
    ['freeze', () => document.dispatchEvent(new Event('freeze'))],
    [
      'visibilitychange to hidden',
      () => {
        vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden')
        document.dispatchEvent(new Event('visibilitychange'))
      },
    ],
  ])('on %s, in one transaction that is committed before the event handler returns', async (_, happen) => {
    const store = make()
    await store.append([logMessage('open')])
    const [begin, add, commit] = [
      vi.spyOn(IDBDatabase.prototype, 'transaction'),
      vi.spyOn(IDBObjectStore.prototype, 'add'),
      vi.spyOn(IDBTransaction.prototype, 'commit'),
    ]
    for (let i = 0; i < 1_200; i++) store.write(logMessage(`${i}`))
    const before = begin.mock.calls.length
    happen()
    expect(begin.mock.calls.length).toBe(before + 1)
    // The first full segment was sent before.
    expect(add.mock.calls.length).toBe(6)
    expect(commit).toHaveBeenCalledTimes(2)
    await store.flush()
    expect(await read(store)).toHaveLength(1_201)
  })

  test('at once while the page is hidden', async () => {
    const store = make()
    await store.append([logMessage('open')])
    vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden')
    document.dispatchEvent(new Event('visibilitychange'))
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    store.write(logMessage('hidden'))
    vi.useRealTimers()
    await isThere(store, 2)
  })

  test('all records of one turn in one transaction', async () => {
    const store = make()
    await store.append([logMessage('open')])
    const begin = vi.spyOn(IDBDatabase.prototype, 'transaction')
    await Promise.all(Array.from({ length: 50 }, (_, i) => store.append([logMessage(`${i}`)])))
    expect(begin.mock.calls.filter(([, mode]) => mode === 'readwrite')).toHaveLength(1)
  })
})

describe('two handles on one log', () => {
  test('share a pipeline, and have separate redaction rules', async () => {
    const one = make({ name: 'shared' })
    const two = make({ name: 'shared', redact: [/card \d+/] })
    one.write(logMessage('card 1'))
    two.write(logMessage('card 2'))
    one.write(logMessage('card 3'))
    expect(textsOf(await read(two))).toEqual(['card 1', '[redacted]', 'card 3'])
    expect((await readDatabase('shared')).heads).toHaveLength(1)
  })

  test('closing one leaves the other open', async () => {
    const one = make({ name: 'shared-2' })
    const two = make({ name: 'shared-2' })
    await one[asyncDispose]()
    await expect(one.append([logMessage('x')])).rejects.toMatchObject({ code: 'log_closed' })
    await two.append([logMessage('y')])
    expect(textsOf(await read(two))).toEqual(['y'])
  })
})

describe('faults', () => {
  test('a connection that was closed without an event is replaced, and no record is lost', async () => {
    const seen = connections()
    const store = make()
    await store.append([start])
    for (let i = 1; i < 6; i++) {
      seen.at(-1)?.close()
      await store.append([token(i)])
      expect(await read(store)).toHaveLength(i + 1)
    }
    expect(seen).toHaveLength(6)
  })

  test('a connection that fired `close` is not used again', async () => {
    const seen = connections()
    const store = make()
    await store.append([logMessage('one')])
    seen[0]?.dispatchEvent(new Event('close'))
    await store.append([logMessage('two')])
    expect(seen).toHaveLength(2)
    expect(textsOf(await read(store))).toEqual(['one', 'two'])
  })

  test('an aborted transaction is retried on another connection', async () => {
    const store = make()
    await store.append([logMessage('one')])
    const seen = connections()
    vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementationOnce(function (this: IDBObjectStore, ...args) {
      vi.restoreAllMocks()
      const request = this.add(...args)
      this.transaction.abort()
      return request
    })
    await store.append([logMessage('two')])
    expect(seen).toHaveLength(1)
    expect(textsOf(await read(store))).toEqual(['one', 'two'])
  })

  test('a segment whose confirmation was lost is stored once', async () => {
    const store = make()
    await store.append([logMessage('one')])
    const complete = Object.getOwnPropertyDescriptor(IDBTransaction.prototype, 'oncomplete')
    const abort = Object.getOwnPropertyDescriptor(IDBTransaction.prototype, 'onabort')
    let isLost = false
    // The transaction completes, but an abort is reported.
    Object.defineProperty(IDBTransaction.prototype, 'onabort', {
      ...abort,
      set(this: IDBTransaction, hear: () => void) {
        if (isLost || this.mode !== 'readwrite') return abort?.set?.call(this, hear)
        isLost = true
        this.addEventListener('complete', () => hear())
      },
    })
    Object.defineProperty(IDBTransaction.prototype, 'oncomplete', {
      ...complete,
      set(this: IDBTransaction, hear: () => void) {
        if (isLost || this.mode !== 'readwrite') return complete?.set?.call(this, hear)
      },
    })
    await store.append([logMessage('two')])
    Object.defineProperty(IDBTransaction.prototype, 'onabort', abort ?? {})
    Object.defineProperty(IDBTransaction.prototype, 'oncomplete', complete ?? {})
    expect(isLost).toBe(true)
    expect(textsOf(await read(store))).toEqual(['one', 'two'])
  })

  test('a database that is deleted is closed, and created again', async () => {
    const store = make()
    await store.append([start, token(1)])
    const deletion = indexedDB.deleteDatabase(`chaintap:${store.name}`)
    const blocked = vi.fn()
    deletion.onblocked = blocked
    await new Promise((resolve) => deletion.addEventListener('success', resolve))
    await store.append([token(2)])
    // The Run object is written again: its start was deleted.
    expect((await read(store)).map(toLogRecord)).toEqual([token(2)])
    expect(blocked).not.toHaveBeenCalled()
  })

  test('tail() and shipTo() continue in the new database', async () => {
    const store = make()
    const tail = store.tail({ level: 'info' }).getReader()
    const sent: string[] = []
    const shipper = shipTo(store, ({ body }) => void sent.push(...(body.match(/(?<="message":")[^"]*/g) ?? [])), { delayMs: 1 })
    for (const text of ['one', 'two', 'three']) {
      await store.append([logMessage(text)])
      expect(textsOf([(await tail.read()).value as StoredRecord])).toEqual([text])
    }
    await shipper.flush()
    await new Promise((resolve) => indexedDB.deleteDatabase(`chaintap:${store.name}`).addEventListener('success', resolve))
    await store.append([logMessage('four')])
    expect(textsOf([(await tail.read()).value as StoredRecord])).toEqual(['four'])
    await vi.waitFor(() => expect(sent).toEqual(['one', 'two', 'three', 'four']), patience)
    await shipper[asyncDispose]()
    await tail.cancel()
  })

  test('read() and tail() continue on another connection after a failure', async () => {
    const store = make()
    await store.append([logMessage('one')])
    const tail = store.tail().getReader()
    const getAll = IDBObjectStore.prototype.getAll
    for (const text of ['two', 'three', 'four']) {
      if (text !== 'two')
        vi.spyOn(IDBObjectStore.prototype, 'getAll').mockImplementationOnce(function (this: IDBObjectStore, ...args) {
          const request = getAll.apply(this, args)
          this.transaction.abort()
          return request
        })
      await store.append([logMessage(text)])
      expect(textsOf([(await tail.read()).value as StoredRecord])).toEqual([text])
      vi.restoreAllMocks()
    }
    await tail.cancel()
  })

  test.each([
    [
      'throws',
      () => {
        throw new DOMException('The user denied it', 'SecurityError')
      },
    ],
    [
      'fails',
      () => {
        const request = new EventTarget() as unknown as IDBOpenDBRequest
        queueMicrotask(() => request.onerror?.(new Event('error')))
        return request
      },
    ],
  ])('the log is in memory, without a warning, if open() %s', async (_, open) => {
    const [warn, error] = [vi.spyOn(console, 'warn'), vi.spyOn(console, 'error')]
    vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(open)
    const store = make()
    store.write(logMessage('one'))
    await store.append([logMessage('two')])
    expect(textsOf(await read(store))).toEqual(['one', 'two'])
    expect(store.isDurable).toBe(false)
    const tail = store.tail()
    await store.append([logMessage('three')])
    expect(textsOf(await first(1, tail))).toEqual(['three'])
    expect([warn.mock.calls, error.mock.calls]).toEqual([[], []])
  })

  test('a clock that is set back does not change the order, within a page or between pages', async () => {
    const store = make({ name: 'clock' })
    const now = vi.spyOn(Date, 'now')
    for (const at of [5_000, 4_000, 1]) {
      now.mockReturnValue(at)
      await store.append([{ level: 'info', category: 'x', message: `${at}` }])
    }
    await store[asyncDispose]()
    now.mockReturnValue(0)
    const again = make({ name: 'clock' })
    await again.append([{ level: 'info', category: 'x', message: '0' }])
    expect((await read(again)).map(({ at }) => at)).toEqual([5_000, 4_000, 1, 0])
    expect((await all(again.read({ order: 'desc', limit: 2 }))).map(({ at }) => at)).toEqual([0, 1])
    expect((await all(again.read({ after: 10 }))).map(({ at }) => at)).toEqual([5_000, 4_000])
  })

  test('a failing backend causes one warning: reads work, append() and flush() reject, and writes are retried', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const store = make()
    await store.append([logMessage('one')])
    const add = vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(() => {
      throw new DOMException('Connection to Indexed Database server lost', 'UnknownError')
    })
    await expect(store.append([logMessage('two')])).rejects.toMatchObject({ code: 'log_not_written' })
    await expect(store.append([logMessage('three')])).rejects.toMatchObject({ code: 'log_not_written' })
    expect(store.isDurable).toBe(false)
    expect(textsOf(await read(store))).toEqual(['one', 'two', 'three'])
    expect(textsOf(await all(store.read({ order: 'desc', limit: 2 })))).toEqual(['three', 'two'])
    const ids = (await read(store)).map(({ id }) => id)
    add.mockRestore()
    document.dispatchEvent(new Event('visibilitychange'))
    await store.append([logMessage('four')])
    expect(store.isDurable).toBe(true)
    const again = await read(store)
    expect(textsOf(again)).toEqual(['one', 'two', 'three', 'four'])
    expect(again.map(({ id }) => id).slice(0, 3)).toEqual(ids)
    expect((await readDatabase(store.name)).heads.reduce((sum, { records }) => sum + records, 0)).toBe(4)
    expect(warn.mock.calls.map(([text]) => String(text))).toEqual([expect.stringContaining('could not be saved')])
  })

  test('tail() yields every record once across a failure', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    const store = make()
    await store.append([logMessage('zero')])
    const reader = store.tail().getReader()
    const add = vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(() => {
      throw new DOMException('lost', 'UnknownError')
    })
    await store.append([logMessage('one')]).catch(() => {})
    const seen = [(await reader.read()).value]
    add.mockRestore()
    document.dispatchEvent(new Event('visibilitychange'))
    await store.append([logMessage('two')])
    seen.push((await reader.read()).value)
    expect(seen.map((record) => record && 'message' in record && record.message)).toEqual(['one', 'two'])
    await reader.cancel()
  })

  test('`room` bounds the unsaved records, and a record counts the lost ones in their place', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    const store = make({ room: 50_000 })
    await store.append([logMessage('kept')])
    const add = vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(() => {
      throw new DOMException('lost', 'UnknownError')
    })
    for (let i = 0; i < 100; i++) await store.append([logMessage(`${i}`, { properties: { filler: 'x'.repeat(1_000) } })]).catch(() => {})
    const failing = textsOf(await read(store))
    expect(failing.slice(0, 2)).toEqual(['kept', expect.stringMatching(/^records lost: \d+$/)])
    add.mockRestore()
    document.dispatchEvent(new Event('visibilitychange'))
    await store.flush()
    const stored = await read(store)
    expect(textsOf(stored)).toEqual(failing)
    const lost = Number(/\d+/.exec(failing[1] ?? '')?.[0])
    expect(failing.slice(2)).toEqual(Array.from({ length: 100 - lost }, (_, i) => `${lost + i}`))
    expect(stored[1]).toMatchObject({ level: 'warning', category: ['chaintap', 'log'], properties: { lost } })
    expect((await readDatabase(store.name)).heads).toHaveLength(100 - lost + 2)
  })

  test('`room` bounds the records of one turn', async () => {
    const store = make({ room: 400_000 })
    await store.append([logMessage('open')])
    for (let i = 0; i < 5_000; i++) store.write(logMessage(`${i}`, { properties: { filler: 'x'.repeat(1_000) } }))
    await store.flush().catch(() => {})
    const texts = textsOf(await read(store))
    expect(texts.length).toBeLessThan(2_000)
    expect(texts.at(-1)).toBe('4999')
    expect(texts.filter((text) => text.startsWith('records lost'))).toHaveLength(1)
  })

  test('records written before the database is open are bounded', async () => {
    const store = make({ room: 100_000_000 })
    for (let i = 0; i < 140; i++) store.write(logMessage(`${i}`, { properties: { filler: 'x'.repeat(135_000) } }))
    await expect(store.flush()).rejects.toMatchObject({ code: 'log_not_written' })
    await store.append([logMessage('open')])
    const texts = textsOf(await read(store))
    const lost = Number(/^records lost: (\d+)$/.exec(texts.at(-2) ?? '')?.[1])
    expect(lost).toBeGreaterThan(0)
    expect(texts).toEqual([...Array.from({ length: 140 - lost }, (_, i) => `${i}`), `records lost: ${lost}`, 'open'])
  })

  test('clear() removes unsaved records, and flush() does not wait for them', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    const store = make()
    await store.append([logMessage('one')])
    const add = vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(() => {
      throw new DOMException('lost', 'UnknownError')
    })
    await store.append([logMessage('two')]).catch(() => {})
    await store.clear()
    expect(await read(store)).toEqual([])
    add.mockRestore()
    await store.append([logMessage('three')])
    expect(textsOf(await read(store))).toEqual(['three'])
  })

  test('append() waits for room, and loses no record', async () => {
    const store = make({ room: 400_000 })
    await store.append(Array.from({ length: 5_000 }, (_, i) => logMessage(`${i}`, { properties: { filler: 'x'.repeat(500) } })))
    expect(textsOf(await read(store))).toEqual(Array.from({ length: 5_000 }, (_, i) => `${i}`))
  })
})

describe('several tabs', () => {
  afterEach(() => {
    for (const frame of document.querySelectorAll('iframe')) frame.remove()
  })

  test('write to one log, and each tail() yields the records of the others', async () => {
    const here = make({ name: 'tabs' })
    const there = new (await tab()).IndexedDBLogStore({ name: 'tabs' })
    const tail = here.tail()
    await there.append([start, token(1)])
    await here.append([logMessage('here')])
    await there.append([token(2)])
    expect((await first(4, tail)).map(toLogRecord)).toEqual([start, token(1), logMessage('here'), token(2)])
    await there[asyncDispose]()
  })

  test('two tabs write 10,000 records each: all are stored, each tab in its order', { timeout: 60_000 }, async () => {
    const here = make({ name: 'tabs-2' })
    const there = new (await tab()).IndexedDBLogStore({ name: 'tabs-2' })
    const write = async (store: LogStore, who: string) => {
      for (let i = 0; i < 10_000; i++) {
        store.write(logMessage(`${who} ${i}`))
        if (i % 100 === 99) await (i % 1_000 === 999 ? store.flush() : turn())
      }
      await store.flush()
    }
    await Promise.all([write(here, 'here'), write(there, 'there')])
    const texts = textsOf(await read(here))
    expect(texts).toHaveLength(20_000)
    for (const who of ['here', 'there']) {
      expect(texts.filter((text) => text.startsWith(`${who} `))).toEqual(Array.from({ length: 10_000 }, (_, i) => `${who} ${i}`))
    }
    const switches = texts.filter((text, i) => text.split(' ')[0] !== texts[i - 1]?.split(' ')[0]).length
    expect(switches).toBeGreaterThan(1)
    expect(textsOf(await all(there.read()))).toEqual(texts)
    await there[asyncDispose]()
  })

  test.each([
    ['write', 'goes elsewhere'],
    ['write', 'is removed'],
    ['append', 'goes elsewhere'],
    ['append', 'is removed'],
  ])('no record is lost if the page calls %s and %s at once, while others read and write', { timeout: 30_000 }, async (how, leave) => {
    const here = make({ name: `left-${how}-${leave}` })
    await here.append(Array.from({ length: 20 }, () => logMessage('open', { properties: { filler: 'x'.repeat(50_000) } })))
    let isOver = false
    const noise = (async () => {
      for (let i = 0; !isOver; i++) await (i % 3 === 0 ? here.append([logMessage('noise')]) : read(here))
    })()
    const expected: string[] = []
    for (let round = 0; round < 4; round++) {
      const { IndexedDBLogStore: There } = await tab()
      const there = new There({ name: here.name })
      await there.append([logMessage('open')])
      const texts = Array.from({ length: 200 }, (_, i) => `left ${round} ${i}`)
      expected.push(...texts)
      if (how === 'append') void there.append(texts.map((text) => logMessage(text)))
      else for (const text of texts) there.write(logMessage(text))
      const frame = document.querySelector('iframe') as HTMLIFrameElement
      if (leave === 'goes elsewhere' && frame.contentWindow) {
        const loaded = new Promise((resolve) => frame.addEventListener('load', resolve))
        frame.contentWindow.location.href = '/favicon.ico'
        await loaded
      }
      frame.remove()
    }
    isOver = true
    await noise
    const left = async () => textsOf(await read(here)).filter((text) => text.startsWith('left'))
    await vi.waitFor(async () => expect((await left()).toSorted()).toEqual(expected.toSorted()), patience)
    const journalEntries = () => Object.keys(localStorage).filter((key) => key.startsWith(`chaintap:${here.name}`))
    await vi.waitFor(() => expect(journalEntries()).toEqual([]), patience)
  })

  test('after clear() in one tab the others write their Run objects again', async () => {
    const here = make({ name: 'tabs-3' })
    const there = new (await tab()).IndexedDBLogStore({ name: 'tabs-3' })
    await here.append([start])
    await there.clear()
    await vi.waitFor(async () => {
      await here.append([token(1)])
      const [last] = await all(there.read({ order: 'desc', limit: 1 }))
      expect(last && toLogRecord(last)).toEqual(token(1))
    }, patience)
    await there[asyncDispose]()
  })
})
