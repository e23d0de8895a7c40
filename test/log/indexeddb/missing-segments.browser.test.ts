// An encrypted log reports segments that were deleted from its database, and does not take what retention removes for a loss.

import { IndexedDBLogStore } from 'chaintap/indexeddb'
import * as fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import type { StoredSegmentHeader } from '../../../src/log/pipeline/backend.ts'
import { all, logMessage, run, textsOf } from '../../contracts/log-store.ts'

const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')
const opened: IndexedDBLogStore[] = []

afterEach(async () => {
  vi.restoreAllMocks()
  for (const store of opened.splice(0)) {
    await store[asyncDispose]()
    indexedDB.deleteDatabase(`chaintap:${store.name}`)
  }
})

type Options = ConstructorParameters<typeof IndexedDBLogStore>[0]

function make(options: Options = {}): IndexedDBLogStore {
  const store = new IndexedDBLogStore({ name: `missing-${Math.random()}`, encrypt: true, ...options })
  opened.push(store)
  return store
}

/** Closes the store and opens it again, as the next page would: with a new writer. */
async function reopen(store: IndexedDBLogStore, options: Options = {}): Promise<IndexedDBLogStore> {
  await store[asyncDispose]()
  return make({ name: store.name, ...options })
}

/** Appends each text as a segment of its own. */
async function appendEach(store: IndexedDBLogStore, texts: readonly string[], at = Date.now()): Promise<void> {
  for (const text of texts) await store.append([logMessage(text, { at })])
}

const promisify = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })

/** Changes the database directly; `heads` are its headers in their order. */
async function tamper(
  store: IndexedDBLogStore,
  change: (stores: { readonly heads: IDBObjectStore; readonly bodies: IDBObjectStore }, heads: readonly StoredSegmentHeader[]) => void,
): Promise<void> {
  const db = await promisify(indexedDB.open(`chaintap:${store.name}`))
  const transaction = db.transaction(['heads', 'bodies'], 'readwrite')
  const [heads, bodies] = [transaction.objectStore('heads'), transaction.objectStore('bodies')]
  change({ heads, bodies }, await promisify<StoredSegmentHeader[]>(heads.getAll()))
  await new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error)
  })
  db.close()
}

/** Deletes the segments at these places. */
const deleteAt = (store: IndexedDBLogStore, ...places: readonly number[]): Promise<void> =>
  tamper(store, ({ heads, bodies }, all) => {
    for (const place of places) {
      const { key, name } = all[place] as StoredSegmentHeader
      heads.delete(key)
      bodies.delete(name)
    }
  })

const readTexts = async (store: IndexedDBLogStore, query: Parameters<IndexedDBLogStore['read']>[0] = {}): Promise<readonly string[]> =>
  textsOf(await all(store.read(query)))

test('deleted segments between others of the same page are reported at their place, in both orders, and to filters', async () => {
  const store = make()
  await appendEach(store, ['0', '1', '2', '3', '4', '5', '6'])
  await deleteAt(store, 1, 3, 4)
  const again = await reopen(store)
  const expected = ['0', 'segments missing: 1', '2', 'segments missing: 2', '5', '6']
  expect(await readTexts(again)).toEqual(expected)
  expect(await readTexts(again, { order: 'desc' })).toEqual(expected.toReversed())
  expect(await readTexts(again, { level: 'warning' })).toEqual(['segments missing: 1', 'segments missing: 2'])
  expect(await readTexts(again, { text: 'missing: 2' })).toEqual(['segments missing: 2'])
  const [, record] = await all(again.read())
  expect(record).toMatchObject({ level: 'warning', category: ['chaintap', 'log'], properties: { missing: 1 } })
  expect(await readTexts(again, { after: record?.cursor as string })).toEqual(expected.slice(2))
})

test.each([
  ['the header', ({ key }: StoredSegmentHeader, heads: IDBObjectStore) => heads.delete(key)],
  // No body, and no records to read.
  [
    'the body, and the header forged',
    (head: StoredSegmentHeader, heads: IDBObjectStore, bodies: IDBObjectStore) => {
      bodies.delete(head.name)
      heads.put({ ...head, seal: 'x', records: 0, level: 0 })
    },
  ],
  [
    'both, with a forged note that retention removed it',
    (head: StoredSegmentHeader, heads: IDBObjectStore, bodies: IDBObjectStore) => {
      bodies.delete(head.name)
      heads.put({ ...head, name: head.name.replace('.1', '.1-1.removed'), records: 0 })
    },
  ],
  [
    'both, with a plain segment of that name',
    (head: StoredSegmentHeader, heads: IDBObjectStore, bodies: IDBObjectStore) => {
      const { seal: _seal, ...plain } = head
      bodies.put('', head.name)
      heads.put({ ...plain, records: 0 })
    },
  ],
])('a segment of which %s was deleted is reported', async (_, forge) => {
  const store = make()
  await appendEach(store, ['0', '1', '2'])
  await tamper(store, ({ heads, bodies }, [, second]) => forge(second as StoredSegmentHeader, heads, bodies))
  const [first, notice, ...rest] = await readTexts(await reopen(store))
  expect([first, rest.at(-1)]).toEqual(['0', '2'])
  expect(notice).toMatch(/^(segments missing|records unreadable): 1$/)
})

test('ids of records do not change when segments after them are missing', async () => {
  const model = run('model', { kind: 'chat_model' })
  const store = make()
  await store.append([{ run: model, at: 1, seq: 0, type: 'start', input: 'x' }])
  await store.append([
    { run: model, at: 2, seq: 1, type: 'token', token: 'a' },
    logMessage('between'),
    { run: model, at: 3, seq: 2, type: 'token', token: 'b' },
  ])
  await appendEach(store, ['2', '3'])
  const before = await all(store.read())
  await deleteAt(store, 2)
  const after = await all((await reopen(store)).read())
  expect(textsOf(after)).toEqual([...textsOf(before.slice(0, 4)), 'segments missing: 1', '3'])
  expect(after.filter(({ id }) => before.some((record) => record.id === id))).toEqual(before.filter((_, i) => i !== 4))
})

test('the oldest and the newest segments of a page are not reported', async () => {
  const store = make()
  await appendEach(store, ['0', '1', '2', '3'])
  await deleteAt(store, 0, 3)
  expect(await readTexts(await reopen(store))).toEqual(['1', '2'])
})

test('retention by size, prune() and clear() are not reported', async () => {
  let store = make()
  await appendEach(store, ['a0', 'a1', 'a2'])
  const other = await reopen(store)
  await appendEach(other, ['b0', 'b1', 'b2', 'b3'])
  await other.prune({ maxRecords: 5 })
  expect(await readTexts(other)).toEqual(['a2', 'b0', 'b1', 'b2', 'b3'])
  await other.prune({ maxRecords: 2 })
  store = await reopen(other)
  expect(await readTexts(store)).toEqual(['b2', 'b3'])
  await appendEach(store, ['c0'])
  void store.append([logMessage('c1')])
  await store.clear()
  await appendEach(store, ['c2', 'c3'])
  expect(await readTexts(store)).toEqual(['c2', 'c3'])
  expect(await readTexts(await reopen(store))).toEqual(['c2', 'c3'])
})

test('old records between newer ones, e.g. imported ones, that retention by age removes are not reported; deleted segments are', async () => {
  const store = make()
  await appendEach(store, ['0'])
  await appendEach(store, ['1', '2', '3'], 1_000)
  await appendEach(store, ['4'])
  await appendEach(store, ['5'], 1_000)
  await appendEach(store, ['6', '7', '8'])
  await store.prune({ maxAgeMs: 3_600_000 })
  const expected = ['0', '4', '6', '7', '8']
  expect(await readTexts(store)).toEqual(expected)
  const again = await reopen(store)
  expect(await readTexts(again)).toEqual(expected)
  // The headers are those of 0, 4, 6, 7, 8, and of the notes.
  await deleteAt(again, 1, 3)
  const third = await reopen(again)
  expect(await readTexts(third)).toEqual(['0', 'segments missing: 1', '6', 'segments missing: 1', '8'])
  await third.prune({ maxRecords: 1 })
  expect(await readTexts(await reopen(third))).toEqual(['8'])
})

test('records that were dropped because there was no room are reported once, as records lost', async () => {
  const store = make({ room: 20_000 })
  await appendEach(store, ['0'])
  const failing = vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(() => {
    throw new DOMException('no', 'UnknownError')
  })
  vi.spyOn(console, 'warn').mockImplementation(() => {})
  for (let i = 1; i < 30; i++) await store.append([logMessage(`${i}`, { properties: { filler: 'x'.repeat(2_000) } })]).catch(() => {})
  failing.mockRestore()
  dispatchEvent(new Event('pageshow'))
  await vi.waitFor(() => store.append([logMessage('last')]), { timeout: 10_000, interval: 200 })
  const texts = await readTexts(await reopen(store))
  expect(texts.filter((text) => text.startsWith('records lost'))).toHaveLength(1)
  expect(texts.filter((text) => text.startsWith('segments missing'))).toEqual([])
  expect(texts.at(-1)).toBe('last')
})

test('random deletions in the logs of several pages: every gap between two segments of a page is reported with its size, and no other', async () => {
  const pages = fc.array(fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 3 })
  await fc.assert(
    fc.asyncProperty(pages, async (plan) => {
      let store = make()
      for (const [page, isDeleted] of plan.entries()) {
        await appendEach(
          store,
          isDeleted.map((_, i) => `${page}.${i}`),
        )
        store = await reopen(store)
      }
      await deleteAt(store, ...plan.flat().flatMap((isDeleted, place) => (isDeleted ? [place] : [])))
      const expected = plan.flatMap((isDeleted, page) => {
        const kept = isDeleted.flatMap((gone, i) => (gone ? [] : [i]))
        return kept.flatMap((i, at) => {
          const missing = (kept[at + 1] ?? i + 1) - i - 1
          return missing > 0 ? [`${page}.${i}`, `segments missing: ${missing}`] : [`${page}.${i}`]
        })
      })
      expect(await readTexts(await reopen(store))).toEqual(expected)
    }),
    { numRuns: 30 },
  )
})
