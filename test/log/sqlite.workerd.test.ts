import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { DurableLogStore, type SqliteStorage } from 'chaintap/durable-log'
import { describe, expect, test } from 'vitest'
import { all, describeLogStore, said, textsOf } from '../contracts/log-store.ts'

const { STORAGE } = env as unknown as { readonly STORAGE: DurableObjectNamespace }

/** Runs in an object of its own: what is an object's may not be used outside of it. */
const inObject = (body: (storage: DurableObjectStorage) => Promise<void>, stub = STORAGE.get(STORAGE.newUniqueId())): Promise<void> =>
  runInDurableObject(stub, (_, { storage }) => body(storage))

let current: SqliteStorage | undefined

describeLogStore('a log in a Durable Object', {
  make(options) {
    if (!current) throw new Error('Not in an object')
    for (const table of ['chaintap_log', 'chaintap_log_parts']) current.sql.exec(`DROP TABLE IF EXISTS ${table}`)
    return new DurableLogStore(current, options)
  },
  within: (body) =>
    inObject((storage) => {
      current = storage
      return body()
    }),
})

describe('a log in a Durable Object', () => {
  test('is there for the next store of the object', async () => {
    const stub = STORAGE.get(STORAGE.newUniqueId())
    await inObject((storage) => new DurableLogStore(storage).append([said('before')]), stub)
    await inObject(async (storage) => {
      const store = new DurableLogStore(storage)
      await store.append([said('after')])
      expect(textsOf(await all(store.read()))).toEqual(['before', 'after'])
      expect(store.isDurable).toBe(true)
    }, stub)
  })

  test('keeps a record that is larger than a row may be', () =>
    inObject(async (storage) => {
      const store = new DurableLogStore(storage, { limit: 8_000_000 })
      const message = '語'.repeat(1_500_000)
      await store.append([said(message)])
      expect(textsOf(await all(store.read()))).toEqual([message])
    }))

  test(
    'an error of the storage is told by append, and a later try keeps all',
    () =>
      inObject(async (storage) => {
        let isBroken = false
        const broken: SqliteStorage = {
          sql: storage.sql,
          transactionSync: (work) => {
            if (isBroken) throw new Error('no room')
            return storage.transactionSync(work)
          },
          sync: () => storage.sync(),
        }
        const store = new DurableLogStore(broken)
        await store.append([said('one')])
        isBroken = true
        await expect(store.append([said('two')])).rejects.toMatchObject({ code: 'log_not_written' })
        isBroken = false
        store.write(said('three'))
        await new Promise((resolve) => setTimeout(resolve, 5_500))
        await store.flush()
        expect(textsOf(await all(store.read()))).toEqual(['one', 'two', 'three'])
      }),
    20_000,
  )

  test('is bounded', () =>
    inObject(async (storage) => {
      const store = new DurableLogStore(storage, { retain: { maxRecords: 1_000 } })
      for (let i = 0; i < 5; i++) await store.append(Array.from({ length: 1_000 }, (_, j) => said(`${i}:${j}`)))
      await store.prune({ maxRecords: 1_000 })
      const texts = textsOf(await all(store.read()))
      expect(texts.length).toBeLessThanOrEqual(1_000)
      expect(texts.at(-1)).toBe('4:999')
    }))
})
