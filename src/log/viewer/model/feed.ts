import type { StoredRecord } from '../../record.ts'
import type { LogStore } from '../../store.ts'
import { cancelReader, forEachRecord } from './for-each-record.ts'

/** How many older records are read at once. */
const OLDER_PAGE_RECORDS = 2_000

/** Who is told of a log. */
export interface FeedListener {
  /** A record that came just now. */
  append(record: StoredRecord): void
  /** Records that are older than all others, the newest first. */
  prepend(records: readonly StoredRecord[]): void
  /** Nothing that was heard is in the log any more. */
  cleared(): void
  /** Something else is different: what is being read, or that nothing more will come. */
  changed(): void
  failed(error: unknown): void
}

/** A log as it is read: its newest records, older ones as they are asked for, and what comes in. */
export class LogFeed {
  /** `live`: what comes in is heard; `over`: the log was closed. */
  state: 'opening' | 'live' | 'over' = 'opening'
  /** There may be older records. */
  hasOlder = true
  isReading = false
  readonly #store: LogStore
  readonly #listener: FeedListener
  readonly #olderReader: ReadableStreamDefaultReader<StoredRecord>
  /** Of the first page: a record that is about to be kept when it is read comes again when it is. */
  readonly #firstPageIds = new Set<string>()
  #tailReader: ReadableStreamDefaultReader<StoredRecord>
  #newest: StoredRecord | undefined
  #isOver = false

  constructor(store: LogStore, listener: FeedListener) {
    this.#store = store
    this.#listener = listener
    this.#tailReader = store.tail().getReader()
    this.#olderReader = store.read({ order: 'desc' }).getReader()
    store.onRemoval?.add(this.#onRemoval)
  }

  /** Begins. Never rejects. */
  async start(): Promise<void> {
    await this.loadOlder()
    if (this.#isOver) return
    if (this.#newest) {
      cancelReader(this.#tailReader)
      this.#tailReader = this.#store.tail({ after: this.#newest.cursor }).getReader()
    }
    this.state = 'live'
    this.#listener.changed()
    await this.#catchErrors(() => forEachRecord(this.#tailReader, (record) => this.#receive(record)))
    this.state = 'over'
    if (!this.#isOver) this.#listener.changed()
  }

  /** Reads some older records. Never rejects. */
  async loadOlder(): Promise<void> {
    if (this.isReading || !this.hasOlder || this.#isOver) return
    this.isReading = true
    const page: StoredRecord[] = []
    await this.#catchErrors(async () => {
      this.hasOlder = !(await forEachRecord(this.#olderReader, (record) => page.push(record) < OLDER_PAGE_RECORDS))
    })
    this.isReading = false
    if (this.#isOver) return
    if (!this.#newest) for (const { id } of page) this.#firstPageIds.add(id)
    this.#newest ??= page[0]
    if (page.length > 0) this.#listener.prepend(page)
    this.#listener.changed()
  }

  readonly #onRemoval = (): void => void this.#catchErrors(() => this.#checkEmptied(this.#newest))

  /** What is removed from time to time, to make room, may still be shown. */
  async #checkEmptied(newest: StoredRecord | undefined): Promise<void> {
    if (!newest) return
    let left = 0
    await forEachRecord(this.#store.read({ before: newest.cursor, limit: 1 }).getReader(), () => ++left > 0)
    if (left === 0 && !this.#isOver) this.#listener.cleared()
  }

  /** Whoever is read from is told. */
  stop(): void {
    this.#isOver = true
    this.#store.onRemoval?.delete(this.#onRemoval)
    cancelReader(this.#olderReader)
    cancelReader(this.#tailReader)
  }

  #receive(record: StoredRecord): boolean {
    if (this.#isOver) return false
    this.#newest = record
    if (!this.#firstPageIds.has(record.id)) this.#listener.append(record)
    return true
  }

  async #catchErrors(work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.hasOlder = false
      if (!this.#isOver) this.#listener.failed(error)
    }
  }
}
