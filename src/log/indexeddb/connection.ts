import { promisifyRequest, type UseStore } from 'idb-keyval'
import { levels } from '../level.ts'
import type { Segment } from '../segment/segment.ts'

/** In ms; a working engine needs far less. WebKit's first open, and lost connections, may never settle. */
const INDEXEDDB_TIMEOUT_MS = 20_000

/** An idb-keyval store with a durability option. Works on `heads`; `store.transaction.objectStore('bodies')` is in the same transaction. */
type UseTransaction = <T>(
  mode: IDBTransactionMode,
  work: (heads: IDBObjectStore) => T | PromiseLike<T>,
  durability?: IDBTransactionDurability,
) => Promise<T>

/** A database that is opened when it is used: replaces a lost connection by a new one, and never reuses a failed one. */
export class IndexedDBConnection {
  readonly use: UseTransaction & UseStore = (mode, work, durability: IDBTransactionDurability = 'relaxed') => {
    const begin = (db: IDBDatabase): IDBObjectStore => db.transaction(['heads', 'bodies'], mode, { durability }).objectStore('heads')
    // Synchronous if it is open: a page that is being discarded gets no later turn.
    const heads = this.#db && this.#tryBegin(begin, this.#db)
    return withIndexedDBTimeout(heads ? Promise.resolve(work(heads)) : this.open().then(async (db) => work(begin(db))))
  }
  readonly #name: string
  readonly #onDrop: () => void
  #db: IDBDatabase | undefined
  #opening: Promise<IDBDatabase> | undefined
  #isClosed = false

  /** `onDrop` is called when the next connection may be to a new database of that name. */
  constructor(name: string, onDrop: () => void) {
    this.#name = name
    this.#onDrop = onDrop
  }

  open(): Promise<IDBDatabase> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #open(): Promise<IDBDatabase> {
    if (this.#isClosed) throw new DOMException('The log is closed.', 'InvalidStateError')
    const db = await openLogDatabase(this.#name)
    db.onclose = () => this.drop()
    // Another tab deletes or upgrades the database, and waits until this connection is closed.
    db.onversionchange = () => this.drop()
    this.#db = db
    return db
  }

  /** Starts a transaction; `undefined` if the connection was lost without an event. */
  #tryBegin(begin: (db: IDBDatabase) => IDBObjectStore, db: IDBDatabase): IDBObjectStore | undefined {
    try {
      return begin(db)
    } catch {
      this.drop()
      return undefined
    }
  }

  /** Closes the connection; the next use opens a new one. */
  drop(): void {
    if (!this.#db) return
    this.#db.close()
    this.#db = this.#opening = undefined
    this.#onDrop()
  }

  close(): void {
    this.#isClosed = true
    this.drop()
  }
}

/** Opens the current version. A database opened by others before the log was created is empty, and needs an upgrade. */
async function openLogDatabase(name: string, version?: number): Promise<IDBDatabase> {
  const request = indexedDB.open(name, version)
  request.onupgradeneeded = () => {
    // Generated keys ascend in the order of commits across tabs, independent of their clocks.
    request.result.createObjectStore('heads', { keyPath: 'key', autoIncrement: true })
    request.result.createObjectStore('bodies')
  }
  const opening = promisifyRequest(request)
  const db = await withIndexedDBTimeout(opening).catch((error: unknown) => {
    void opening.then((late) => late.close()).catch(() => {})
    throw error
  })
  if (db.objectStoreNames.contains('heads')) return db
  db.close()
  return openLogDatabase(name, db.version + 1)
}

/** Rejects if the engine does not settle `work` in time. */
export async function withIndexedDBTimeout<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new DOMException(`IndexedDB did not respond within ${INDEXEDDB_TIMEOUT_MS} ms.`, 'TimeoutError')),
    INDEXEDDB_TIMEOUT_MS,
  )
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Resolves when a transaction is complete. Replaces promisifyRequest: `transaction.error` is not set yet at the `error` event, and WebKit does
 * not always set it at `abort`.
 */
export function waitForCommit(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    let error: unknown
    transaction.oncomplete = () => (error ? reject(error) : resolve())
    transaction.onerror = ({ target }) => {
      error ??= (target as IDBRequest).error
    }
    transaction.onabort = () => reject(error ?? transaction.error ?? new DOMException('The transaction was aborted.', 'AbortError'))
  })
}

/** Errors must survive a power failure; `strict` takes 2 to 5 times as long. */
export function chooseDurability(segments: readonly Segment[]): IDBTransactionDurability {
  return segments.some(({ head }) => head.level >= levels.indexOf('error')) ? 'strict' : 'relaxed'
}
