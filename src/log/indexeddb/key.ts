import { promisifyRequest } from 'idb-keyval'
import { withIndexedDBTimeout } from './connection.ts'

/** Separate from the logs: tabs may go on writing to a log that another one clears or deletes. */
const KEY_DATABASE = 'chaintap-keys'

/** Loads the key of a log, which scripts cannot export; `undefined` if it has none. */
export async function loadKey(log: string): Promise<CryptoKey | undefined> {
  return withIndexedDBTimeout(withKeyStore('readonly', (keys) => promisifyRequest<CryptoKey | undefined>(keys.get(log))))
}

/** Loads the key of a log, or creates it, for all tabs. Rejects if the engine has no crypto here (http:), or cannot store keys. */
export async function loadOrCreateKey(log: string): Promise<CryptoKey> {
  // Generated in any case: a transaction cannot wait for it.
  const generated = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
  return withIndexedDBTimeout(
    withKeyStore('readwrite', async (keys) => {
      const found = await promisifyRequest<CryptoKey | undefined>(keys.get(log))
      if (found) return found
      const { transaction } = keys
      keys.put(generated, log)
      await promisifyRequest(transaction)
      return generated
    }),
  )
}

/** `strict`: no record may outlive its key. Closed after each use, so that deleting the database never waits. */
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
