import { promisifyRequest, type UseStore } from 'idb-keyval'

/** What an engine that answers takes is far below it, in ms. WebKit's first open and its lost connections may never answer. */
const INDEXEDDB_TIMEOUT_MS = 20_000

/** An idb-keyval store that knows of durability. Works on `heads`; `store.transaction.objectStore('bodies')` is in the same transaction. */
type UseTransaction = <T>(
  mode: IDBTransactionMode,
  work: (heads: IDBObjectStore) => T | PromiseLike<T>,
  durability?: IDBTransactionDurability,
) => Promise<T>

/** A database that is open when it is needed: where its connection is gone it opens another, and never uses one again that has failed. */
export class IndexedDBConnection {
  readonly use: UseTransaction & UseStore = (mode, work, durability: IDBTransactionDurability = 'relaxed') => {
    const begin = (db: IDBDatabase): IDBObjectStore => db.transaction(['heads', 'bodies'], mode, { durability }).objectStore('heads')
    // At once where it is open: when a page is going, there is no later.
    const heads = this.#db && this.#tryBegin(begin, this.#db)
    return withIndexedDBTimeout(heads ? Promise.resolve(work(heads)) : this.open().then(async (db) => work(begin(db))))
  }
  readonly #name: string
  readonly #onDrop: () => void
  #db: IDBDatabase | undefined
  #opening: Promise<IDBDatabase> | undefined
  #isClosed = false

  /** `lost` is told when the database may be another one from now on. */
  constructor(name: string, lost: () => void) {
    this.#name = name
    this.#onDrop = lost
  }

  open(): Promise<IDBDatabase> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #open(): Promise<IDBDatabase> {
    if (this.#isClosed) throw new DOMException('The log was closed.', 'InvalidStateError')
    const db = await openLogDatabase(this.#name)
    db.onclose = () => this.drop()
    // Somebody deletes the database or needs a newer one, and would wait for us.
    db.onversionchange = () => this.drop()
    this.#db = db
    return db
  }

  /** A transaction of a connection that may be gone without our knowing: undefined where it is. */
  #tryBegin(begin: (db: IDBDatabase) => IDBObjectStore, db: IDBDatabase): IDBObjectStore | undefined {
    try {
      return begin(db)
    } catch {
      this.drop()
      return undefined
    }
  }

  /** Gives the connection up; the next use opens another. */
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

/** Without a version it is the one that is there. Who looked at a database before we made it has left an empty one. */
async function openLogDatabase(name: string, version?: number): Promise<IDBDatabase> {
  const request = indexedDB.open(name, version)
  request.onupgradeneeded = () => {
    // Keys that the database gives rise in the order of commits, across tabs, whatever their clocks say.
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

/** Rejects where an engine does not answer. */
export async function withIndexedDBTimeout<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new DOMException('IndexedDB does not answer.', 'TimeoutError')), INDEXEDDB_TIMEOUT_MS)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Resolves when a transaction is complete. Not by promisifyRequest: at a transaction's `error` event its error is not known yet, and at `abort` WebKit does not always tell. */
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
