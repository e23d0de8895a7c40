import { promisifyRequest } from 'idb-keyval'
import { withIndexedDBTimeout } from './connection.ts'

/** Apart from the logs: who clears or deletes one has tabs that go on writing to it. */
const KEY_DATABASE = 'chaintap-keys'

/** The key of a log, which no script can read out; undefined where it has none. */
export async function loadKey(log: string): Promise<CryptoKey | undefined> {
  return withIndexedDBTimeout(withKeyStore('readonly', (keys) => promisifyRequest<CryptoKey | undefined>(keys.get(log))))
}

/** The key of a log, for all tabs; made where it has none. Rejects where an engine has no crypto here (http:), or keeps no key. */
export async function loadOrCreateKey(log: string): Promise<CryptoKey> {
  // Made in any case: a transaction does not wait for it.
  const made = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
  return withIndexedDBTimeout(
    withKeyStore('readwrite', async (keys) => {
      const found = await promisifyRequest<CryptoKey | undefined>(keys.get(log))
      if (found) return found
      const { transaction } = keys
      keys.put(made, log)
      await promisifyRequest(transaction)
      return made
    }),
  )
}

/** Strict: no record may outlive its key. Closed each time, so that nobody who deletes the database has to wait. */
async function withKeyStore<T>(mode: IDBTransactionMode, work: (keys: IDBObjectStore) => Promise<T>): Promise<T> {
  const request = indexedDB.open(KEY_DATABASE)
  request.onupgradeneeded = () => {
    request.result.createObjectStore('keys')
  }
  const db = await promisifyRequest(request)
  try {
    return await work(db.transaction('keys', mode, { durability: 'strict' }).objectStore('keys'))
  } finally {
    db.close()
  }
}
