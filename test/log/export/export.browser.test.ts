import { IndexedDBLogStore } from 'chaintap/indexeddb'
import { exportLog, importLog } from 'chaintap/log-export'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { logs, recordsIn, storeOf } from './samples.ts'

const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')
const stores: IndexedDBLogStore[] = []

afterAll(async () => {
  for (const store of stores) {
    await store[asyncDispose]()
    indexedDB.deleteDatabase(`chaintap:${store.name}`)
  }
})

function logOf(): IndexedDBLogStore {
  const store = new IndexedDBLogStore({ name: `export-${Math.random()}` })
  stores.push(store)
  return store
}

test('importLog() copies a log from memory to IndexedDB and on without changes or duplicates', async () => {
  await fc.assert(
    fc.asyncProperty(logs, async (records) => {
      const [first, second, third] = [await storeOf(records), logOf(), logOf()]
      await importLog(second, exportLog(first))
      await importLog(third, exportLog(second))
      expect(await importLog(second, exportLog(third))).toEqual({ records: 0, repeats: records.length })
      const given = await recordsIn(first)
      expect(await recordsIn(second)).toEqual(given)
      expect(await recordsIn(third)).toEqual(given)
    }),
    { numRuns: 10 },
  )
})
