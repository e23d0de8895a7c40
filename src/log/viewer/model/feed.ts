import type { StoredRecord } from '../../record.ts'
import type { LogStore } from '../../store.ts'
import { cancelReader, forEachRecord } from './for-each-record.ts'

/** Number of older records that are read at once. */
const OLDER_PAGE_RECORDS = 2_000

/** Receives the records of a log. */
export interface FeedListener {
  /** A record that was written just now. */
  append(record: StoredRecord): void
  /** Records older than all previous ones, the newest first. */
  prepend(records: readonly StoredRecord[]): void
  /** The log was cleared: no previous record is in it any more. */
  cleared(): void
  /** `state`, `hasOlder` or `isReading` has changed. */
  changed(): void
  /** The log could not be read. */
  failed(error: unknown): void
}

/** Reads a log: its newest records, older ones on request, and new ones as they are written. */
export class LogFeed {
  /** `live`: new records are received; `closed`: the log was closed. */
  state: 'opening' | 'live' | 'closed' = 'opening'
  /** Whether there may be older records. */
  hasOlder = true
  isReading = false
  readonly #store: LogStore
  readonly #listener: FeedListener
  readonly #olderReader: ReadableStreamDefaultReader<StoredRecord>
  /** Ids of the first page: a record that is read before its write has completed is received again from the tail. */
  readonly #firstPageIds = new Set<string>()
  #tailReader: ReadableStreamDefaultReader<StoredRecord>
  #newest: StoredRecord | undefined
  #isStopped = false

  constructor(store: LogStore, listener: FeedListener) {
    this.#store = store
    this.#listener = listener
    this.#tailReader = store.tail().getReader()
    this.#olderReader = store.read({ order: 'desc' }).getReader()
    store.onRemoval?.add(this.#onRemoval)
  }

  /** Starts reading; resolves when the log is closed or the feed stopped. Never rejects. */
  async start(): Promise<void> {
    await this.loadOlder()
    if (this.#isStopped) return
    if (this.#newest) {
      cancelReader(this.#tailReader)
      this.#tailReader = this.#store.tail({ after: this.#newest.cursor }).getReader()
    }
    this.state = 'live'
    this.#listener.changed()
    await this.#catchErrors(() => forEachRecord(this.#tailReader, (record) => this.#receive(record)))
    this.state = 'closed'
    if (!this.#isStopped) this.#listener.changed()
  }

  /** Reads a page of older records. Never rejects. */
  async loadOlder(): Promise<void> {
    if (this.isReading || !this.hasOlder || this.#isStopped) return
    this.isReading = true
    const page: StoredRecord[] = []
    await this.#catchErrors(async () => {
      this.hasOlder = !(await forEachRecord(this.#olderReader, (record) => page.push(record) < OLDER_PAGE_RECORDS))
    })
    this.isReading = false
    if (this.#isStopped) return
    if (!this.#newest) for (const { id } of page) this.#firstPageIds.add(id)
    this.#newest ??= page[0]
    if (page.length > 0) this.#listener.prepend(page)
    this.#listener.changed()
  }

  readonly #onRemoval = (): void => void this.#catchErrors(() => this.#checkEmptied(this.#newest))

  /** Reports a cleared log only: records removed by retention stay visible. */
  async #checkEmptied(newest: StoredRecord | undefined): Promise<void> {
    if (!newest) return
    let count = 0
    await forEachRecord(this.#store.read({ before: newest.cursor, limit: 1 }).getReader(), () => ++count > 0)
    if (count === 0 && !this.#isStopped) this.#listener.cleared()
  }

  /** Stops reading and cancels all streams. */
  stop(): void {
    this.#isStopped = true
    this.#store.onRemoval?.delete(this.#onRemoval)
    cancelReader(this.#olderReader)
    cancelReader(this.#tailReader)
  }

  #receive(record: StoredRecord): boolean {
    if (this.#isStopped) return false
    this.#newest = record
    if (!this.#firstPageIds.has(record.id)) this.#listener.append(record)
    return true
  }

  async #catchErrors(work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.hasOlder = false
      if (!this.#isStopped) this.#listener.failed(error)
    }
  }
}
