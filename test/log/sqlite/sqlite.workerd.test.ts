import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { DurableLogStore, type SqliteStorage } from 'chaintap/durable-log'
import { type StoredRecord, shipTo } from 'chaintap/log'
import { describe, expect, test } from 'vitest'
import { all, describeLogStore, logMessage, textsOf } from '../../contracts/log-store.ts'

const { STORAGE } = env as unknown as { readonly STORAGE: DurableObjectNamespace }

/** Runs `body` in a Durable Object: its storage must not be used outside of it. */
const inObject = (body: (storage: DurableObjectStorage) => Promise<void>, stub = STORAGE.get(STORAGE.newUniqueId())): Promise<void> =>
  runInDurableObject(stub, (_, { storage }) => body(storage))

const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')

/** A store whose storage fails on request. */
function failing(storage: DurableObjectStorage) {
  let isBroken = false
  const broken: SqliteStorage = {
    sql: storage.sql,
    transactionSync: (work) => {
      if (isBroken) throw new Error('no room')
      return storage.transactionSync(work)
    },
    sync: () => storage.sync(),
  }
  const fail = (fails: boolean): void => {
    isBroken = fails
  }
  return { store: new DurableLogStore(broken), fail }
}

let current: SqliteStorage | undefined

describeLogStore('DurableLogStore', {
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

describe('DurableLogStore', () => {
  test('the next store of the object reads the records', async () => {
    const stub = STORAGE.get(STORAGE.newUniqueId())
    await inObject((storage) => new DurableLogStore(storage).append([logMessage('before')]), stub)
    await inObject(async (storage) => {
      const store = new DurableLogStore(storage)
      await store.append([logMessage('after')])
      expect(textsOf(await all(store.read()))).toEqual(['before', 'after'])
      expect(store.isDurable).toBe(true)
    }, stub)
  })

  test('a record larger than a row is stored', () =>
    inObject(async (storage) => {
      const store = new DurableLogStore(storage, { limit: 8_000_000 })
      // Row boundaries fall between and inside of surrogate pairs.
      const messages = ['語'.repeat(1_500_000), '💡'.repeat(700_000), `x${'💡'.repeat(700_000)}`]
      for (const message of messages) await store.append([logMessage(message)])
      for (const [i, text] of textsOf(await all(store.read())).entries()) expect(text === messages[i]).toBe(true)
    }))

  test(
    'append() rejects with the error of the storage, and a later attempt stores all records',
    () =>
      inObject(async (storage) => {
        const { store, fail } = failing(storage)
        await store.append([logMessage('one')])
        fail(true)
        await expect(store.append([logMessage('two')])).rejects.toMatchObject({ code: 'log_not_written' })
        fail(false)
        store.write(logMessage('three'))
        await new Promise((resolve) => setTimeout(resolve, 5_500))
        await store.flush()
        expect(textsOf(await all(store.read()))).toEqual(['one', 'two', 'three'])
      }),
    20_000,
  )

  test('prune() enforces maxRecords', () =>
    inObject(async (storage) => {
      const store = new DurableLogStore(storage, { retain: { maxRecords: 1_000 } })
      for (let i = 0; i < 5; i++) await store.append(Array.from({ length: 1_000 }, (_, j) => logMessage(`${i}:${j}`)))
      await store.prune({ maxRecords: 1_000 })
      const texts = textsOf(await all(store.read()))
      expect(texts.length).toBeLessThanOrEqual(1_000)
      expect(texts.at(-1)).toBe('4:999')
    }))

  test(
    'pending records come after all stored ones, by any store: readers miss none, and get none twice',
    () =>
      inObject(async (storage) => {
        const { store: broken, fail } = failing(storage)
        await broken.flush()
        const others = new DurableLogStore(storage)
        for (const text of ['one', 'two', 'three']) await others.append([logMessage(text)])
        const tail = broken.tail()
        expect(await all(broken.read({ limit: 0 }))).toEqual([])
        fail(true)
        await expect(broken.append([logMessage('waits')])).rejects.toMatchObject({ code: 'log_not_written' })
        const reader = tail.getReader()
        const late = broken.tail().getReader()
        const reads = [reader.read(), reader.read()]
        const lateRead = late.read()
        // In pages of one record, backwards, then on from the newest stored one.
        const back: StoredRecord[] = []
        for (let page = await all(broken.read({ order: 'desc', limit: 1 })); page.length > 0; ) {
          back.push(...page)
          page = await all(broken.read({ order: 'desc', limit: 1, before: back.at(-1)?.cursor as string }))
        }
        expect(textsOf(back)).toEqual(['waits', 'three', 'two', 'one'])
        expect(textsOf(await all(broken.read({ after: back[1]?.cursor as string })))).toEqual(['waits'])
        expect(back.map(({ cursor }) => cursor).toSorted()).toEqual(back.map(({ cursor }) => cursor).toReversed())
        fail(false)
        await new Promise((resolve) => setTimeout(resolve, 5_500))
        await broken.append([logMessage('last')])
        expect(textsOf((await Promise.all(reads)).map(({ value }) => value as StoredRecord))).toEqual(['waits', 'last'])
        expect(textsOf([(await lateRead).value as StoredRecord])).toEqual(['last'])
        await Promise.all([reader.cancel(), late.cancel()])
      }),
    20_000,
  )

  test('a record is read once while its confirmation is pending', () =>
    inObject(async (storage) => {
      let confirmed: Promise<void> | undefined
      const slow: SqliteStorage = {
        sql: storage.sql,
        transactionSync: (work) => storage.transactionSync(work),
        sync: () => confirmed ?? storage.sync(),
      }
      const store = new DurableLogStore(slow)
      for (const text of ['one', 'two']) await store.append([logMessage(text)])
      const reader = store.read().getReader()
      const seen = [(await reader.read()).value as StoredRecord]
      const gate = Promise.withResolvers<void>()
      confirmed = gate.promise
      const appended = store.append([logMessage('three')])
      await new Promise((resolve) => setTimeout(resolve, 20))
      for (let read = await reader.read(); !read.done; read = await reader.read()) seen.push(read.value)
      expect(textsOf(seen)).toEqual(['one', 'two', 'three'])
      gate.resolve()
      await appended
    }))

  test(
    'Shipper.flush() resolves after the records written before it are sent, even if the storage recovers meanwhile',
    () =>
      inObject(async (storage) => {
        const { store, fail } = failing(storage)
        await store.flush()
        fail(true)
        const texts = ['a', 'b', 'c'].map((letter) => letter.repeat(50_000))
        for (const text of texts) await expect(store.append([logMessage(text)])).rejects.toMatchObject({ code: 'log_not_written' })
        const sent: string[] = []
        const shipper = shipTo(
          store,
          async ({ body }) => {
            for (const line of body.trim().split('\n').slice(1)) sent.push(JSON.parse(line).message)
            if (sent.length > 1) return
            fail(false)
            await new Promise((resolve) => setTimeout(resolve, 5_500))
            await store.flush()
            expect(store.isDurable).toBe(true)
          },
          { delayMs: 1e9 },
        )
        await shipper.flush()
        expect(sent.map(([letter]) => letter)).toEqual(['a', 'b', 'c'])
        await shipper[asyncDispose]()
      }),
    20_000,
  )

  test('shipping from two stores at once delivers every record', () =>
    inObject(async (storage) => {
      const stores = [new DurableLogStore(storage), new DurableLogStore(storage)]
      const arrived = new Set<string>()
      const shippers = stores.map((store) =>
        shipTo(
          store,
          async ({ body }) => {
            await new Promise((resolve) => setTimeout(resolve, Math.random() * 4))
            for (const line of body.trim().split('\n').slice(1)) arrived.add(JSON.parse(line).message)
          },
          { name: 'both', delayMs: 1 },
        ),
      )
      let written = 0
      for (let round = 0; round < 40; round++) {
        for (const store of stores) for (let i = 0; i < round % 4; i++) store.write(logMessage(`${written++}`))
        if (round % 3 === 0) await Promise.race(stores.map((store) => store.flush()))
        if (round % 7 === 0) void shippers[round % 2]?.flush()
        await new Promise((resolve) => setTimeout(resolve, round % 5))
      }
      for (const store of stores) await store.flush()
      for (const shipper of shippers) await shipper.flush()
      expect([...arrived].map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: written }, (_, i) => i))
      for (const shipper of shippers) await shipper[asyncDispose]()
    }))
})
