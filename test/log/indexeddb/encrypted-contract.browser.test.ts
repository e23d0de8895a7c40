import { IndexedDBLogStore } from 'chaintap/indexeddb'
import { afterAll } from 'vitest'
import { describeLogStore } from '../../contracts/log-store.ts'

const stores: IndexedDBLogStore[] = []

afterAll(async () => {
  for (const store of stores) {
    await store[Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]()
    indexedDB.deleteDatabase(`chaintap:${store.name}`)
  }
})

for (const encoding of [{ gzip: true }, { encrypt: true }, { gzip: true, encrypt: true }]) {
  describeLogStore(`IndexedDBLogStore with ${Object.keys(encoding).join(' and ')}`, {
    make(options) {
      const store = new IndexedDBLogStore({ name: `contract-${Math.random()}`, ...encoding, ...options })
      stores.push(store)
      return store
    },
  })
}
