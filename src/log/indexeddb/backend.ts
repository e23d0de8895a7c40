import { promisifyRequest } from 'idb-keyval'
import type { Backend, SegmentRange, StoredSegmentHeader } from '../pipeline/backend.ts'
import { isPackedBody, type Segment } from '../segment/segment.ts'
import { chooseDurability, IndexedDBConnection, waitForCommit } from './connection.ts'
import { Journal } from './journal.ts'

/** Opens an IndexedDB database of segments, shared by all tabs. Rejects if IndexedDB is not available. */
export async function openIndexedDB(name: string): Promise<IndexedDBBackend> {
  const backend = new IndexedDBBackend(name)
  await backend.open()
  return backend
}

/** Segments in IndexedDB. */
export class IndexedDBBackend implements Backend {
  readonly isDurable: boolean = true
  readonly #name: string
  readonly #connection: IndexedDBConnection
  readonly #channel: BroadcastChannel | undefined
  readonly #journal: Journal
  readonly #unwatch: () => void
  #onChange: (isRemoval: boolean) => void = () => {}

  constructor(name: string) {
    this.#name = name
    this.#connection = new IndexedDBConnection(name, () => this.#onChange(true))
    this.#channel = typeof BroadcastChannel === 'function' ? new BroadcastChannel(name) : undefined
    this.#journal = new Journal(name)
    // A page that was only hidden saves its journal itself within this time.
    this.#unwatch = this.#journal.watch(() => setTimeout(() => void this.#adoptOrphans(), 1_000))
  }

  async open(): Promise<void> {
    try {
      // In WebKit the first attempt may fail, and the second succeed.
      await this.#connection.open().catch(() => this.#connection.open())
      await this.#adoptOrphans()
    } catch (error) {
      this.close()
      throw error
    }
  }

  watch(onChange: (isRemoval: boolean) => void): void {
    this.#onChange = onChange
    if (this.#channel) this.#channel.onmessage = ({ data }) => onChange(data === 'removed')
  }

  async add(segments: readonly Segment[]): Promise<readonly number[]> {
    const keys = await this.#add(segments).catch((error: unknown) => this.#retryAdd(segments, error))
    this.#journal.remove(segments)
    this.#broadcast('written')
    return keys
  }

  /** Chromium discards a committed transaction with its page if it had to wait for a reader in another tab; WebKit discards any. */
  persistOnUnload(segments: readonly Segment[]): void {
    this.#journal.append(segments)
  }

  /** Stores the segments that closed pages left in the journal. Concurrent calls are harmless: a segment's name is unique. */
  async #adoptOrphans(): Promise<void> {
    const orphans = this.#journal.orphans()
    if (orphans.length === 0) return
    await this.add(orphans).catch(() => {})
    this.#onChange(false)
  }

  #add(segments: readonly Segment[]): Promise<readonly number[]> {
    return this.#write((heads, bodies) => {
      const added = segments.map(({ head, body }) => {
        const request = heads.add(head)
        // Last: after commit() Firefox aborts the transaction if the last request fails, and completes it if another one does.
        bodies.add(body, head.name)
        return request
      })
      return () => added.map(({ result }) => result as number)
    }, chooseDurability(segments))
  }

  async #retryAdd(segments: readonly Segment[], error: unknown): Promise<readonly number[]> {
    const { name } = error as DOMException
    if (name === 'QuotaExceededError') {
      await this.#makeRoom(segments)
      return this.#add(segments)
    }
    if (name !== 'ConstraintError') this.#connection.drop()
    // The segments may be stored although the confirmation was lost.
    const bodies = await this.bodies(segments.map(({ head }) => head.name))
    const missing = segments.filter((_, i) => bodies[i] === undefined)
    const keys = missing.length > 0 ? await this.#add(missing) : []
    return missing.length === segments.length ? keys : []
  }

  /** Removes the oldest segments: four times the size to be written, because engines do not count exactly. */
  async #makeRoom(segments: readonly Segment[]): Promise<void> {
    let missing = 4 * segments.reduce((sum, { head }) => sum + head.bytes, 0)
    for (;;) {
      const heads = await this.heads({ from: 0, to: Infinity, order: 'asc', limit: 32 })
      if (heads.length === 0 || missing <= 0) break
      const oldest: StoredSegmentHeader[] = []
      for (const head of heads) {
        if (missing <= 0) break
        oldest.push(head)
        missing -= head.bytes
      }
      await this.remove(oldest)
    }
    this.#onChange(true)
  }

  heads({ from, to, order, limit }: SegmentRange): Promise<readonly StoredSegmentHeader[]> {
    return this.#read(async (heads): Promise<readonly StoredSegmentHeader[]> => {
      if (from > to) return []
      if (order === 'asc') return promisifyRequest(heads.getAll(IDBKeyRange.bound(from, to), limit))
      // Only a cursor reads backwards, one event loop turn per entry; but keys are dense, so that a range can be read.
      const last = (await promisifyRequest(heads.openKeyCursor(IDBKeyRange.bound(from, to), 'prev')))?.key
      if (typeof last !== 'number') return []
      const found: StoredSegmentHeader[] = await promisifyRequest(heads.getAll(IDBKeyRange.bound(Math.max(from, last - limit + 1), last)))
      return found.reverse()
    })
  }

  async bodies(names: readonly string[]): Promise<readonly (string | undefined)[]> {
    const found = await this.storedBodies(names)
    return found.some(isPackedBody) ? (await import('./pack.ts')).unpackBodies(found, names, this.#name) : found
  }

  /** Bodies as they are stored, compressed or encrypted. */
  storedBodies(names: readonly string[]): Promise<readonly (string | undefined)[]> {
    return this.#read(async ({ transaction }) => {
      const bodies = transaction.objectStore('bodies')
      return Promise.all(names.map((name) => promisifyRequest<string | undefined>(bodies.get(name))))
    })
  }

  /** Retries on a new connection, so that following the log survives a lost connection. */
  #read<T>(work: (heads: IDBObjectStore) => Promise<T>): Promise<T> {
    return this.#connection.use('readonly', work).catch(() => {
      this.#connection.drop()
      return this.#connection.use('readonly', work)
    })
  }

  async remove(removed: readonly StoredSegmentHeader[]): Promise<void> {
    await this.#write((heads, bodies) => {
      for (const { key, name } of removed) {
        heads.delete(key)
        bodies.delete(name)
      }
      return () => {}
    })
    this.#broadcast('removed')
  }

  async clear(): Promise<void> {
    this.#journal.clear()
    await this.#write((heads, bodies) => {
      heads.clear()
      bodies.clear()
      return () => {}
    })
    this.#broadcast('removed')
  }

  #write<T>(work: (heads: IDBObjectStore, bodies: IDBObjectStore) => () => T, durability?: IDBTransactionDurability): Promise<T> {
    return this.#connection.use(
      'readwrite',
      async (heads) => {
        const { transaction } = heads
        const result = work(heads, transaction.objectStore('bodies'))
        // Chromium discards uncommitted transactions with their page: without this, 200 of 200 puts were lost; with it, none.
        transaction.commit()
        await waitForCommit(transaction)
        return result()
      },
      durability,
    )
  }

  async runExclusive(work: () => Promise<void>): Promise<void> {
    if (!navigator.locks) return work()
    await navigator.locks.request(this.#name, { ifAvailable: true }, (lock) => (lock ? work() : undefined))
  }

  /** Called after the commit, so that other tabs find the change. */
  #broadcast(change: 'written' | 'removed'): void {
    this.#channel?.postMessage(change)
  }

  close(): void {
    this.#onChange = () => {}
    this.#unwatch()
    this.#connection.close()
    this.#channel?.close()
  }
}
