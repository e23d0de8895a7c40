import { IndexedDBLogStore } from 'chaintap/indexeddb'
import { type ShipBatch, type Shipper, shipTo } from 'chaintap/log'
import { afterEach, expect, test, vi } from 'vitest'
import { logMessage } from '../../contracts/log-store.ts'
import { patience } from '../../support/patience.ts'

const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')
const ends: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

function logOf(): IndexedDBLogStore {
  const store = new IndexedDBLogStore({ name: `ship-${Math.random()}` })
  ends.push(async () => {
    await store[asyncDispose]()
    indexedDB.deleteDatabase(`chaintap:${store.name}`)
  })
  return store
}

function ship(...given: Parameters<typeof shipTo>): Shipper {
  const shipper = shipTo(...given)
  ends.push(async () => shipper[asyncDispose]())
  return shipper
}

const messagesIn = ({ body }: ShipBatch): readonly string[] =>
  body
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line).message as string)

test('shipTo() sends unsent records with keepalive on pagehide, in the same turn, and again from the log', async () => {
  const store = logOf()
  const batches: ShipBatch[] = []
  const cursor = { load: () => undefined, save: () => {} }
  const shipper = ship(store, (batch) => void batches.push(batch), { delayMs: 1e9, cursor })
  await shipper.flush()
  await store.append([logMessage('one'), logMessage('two')])
  await vi.waitFor(() => {
    window.dispatchEvent(new PageTransitionEvent('pagehide'))
    expect(batches.flatMap(messagesIn)).toEqual(['one', 'two'])
  }, patience)
  expect(batches[0]?.keepalive).toBe(true)
  await shipper.flush()
  expect(batches.slice(1).flatMap(messagesIn)).toEqual(['one', 'two'])
  window.dispatchEvent(new PageTransitionEvent('pagehide'))
  expect(batches).toHaveLength(2)
})

test('shipTo() sends at most one batch within the keepalive limit on pagehide', async () => {
  const store = logOf()
  const batches: ShipBatch[] = []
  let isLeft = false
  const shipper = ship(
    store,
    async (batch) => {
      if (!isLeft) throw new TypeError('offline')
      batches.push(batch)
    },
    { delayMs: 1e9 },
  )
  void shipper.flush().catch(() => {})
  await store.append(Array.from({ length: 300 }, (_, i) => logMessage(`${i}`.padEnd(1_000, '.'))))
  isLeft = true
  await vi.waitFor(() => {
    window.dispatchEvent(new PageTransitionEvent('pagehide'))
    expect(batches.length).toBeGreaterThan(0)
  }, patience)
  expect(batches.every(({ bytes, keepalive }) => bytes <= 60_000 && keepalive)).toBe(true)
})

test('shipTo() sends unsent records when the page becomes hidden', async () => {
  const store = logOf()
  const batches: ShipBatch[] = []
  await ship(store, (batch) => void batches.push(batch), { delayMs: 1e9 }).flush()
  await store.append([logMessage('one')])
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden')
  document.dispatchEvent(new Event('visibilitychange'))
  await vi.waitFor(() => expect(batches.flatMap(messagesIn)).toEqual(['one']), patience)
  vi.restoreAllMocks()
})

test('shipTo() continues where the page before it stopped', async () => {
  const store = logOf()
  const batches: ShipBatch[] = []
  for (const text of ['one', 'two']) {
    await store.append([logMessage(text)])
    const shipper = ship(store, (batch) => void batches.push(batch))
    await shipper.flush()
    await shipper[asyncDispose]()
  }
  expect(batches.map(messagesIn)).toEqual([['one'], ['two']])
})
