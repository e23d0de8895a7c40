// A page that writes records, and ships its log to its own site.
import { IndexedDBLogStore } from 'chaintap/indexeddb'
import { shipTo } from 'chaintap/log'

const store = new IndexedDBLogStore({ name: 'shipped' })
const shipper = shipTo(store, '/records', { delayMs: 1e9 })

let come = 0
void store.tail().pipeTo(new WritableStream({ write: () => void come++ }))

Object.assign(globalThis, {
  /** Number of records that this page's tail() has yielded. */
  come: () => come,
  flush: () => shipper.flush(),
  write: async (from: number, to: number) => {
    const app = store.logger('app')
    for (let i = from; i < to; i++) app.info(`${i}`)
    await store.flush()
  },
})
