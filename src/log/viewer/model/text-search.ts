import { matcher } from '../../pipeline/match.ts'
import type { StoredRecord } from '../../record.ts'
import type { LogStore } from '../../store.ts'
import { cancelReader, forEachRecord } from './for-each-record.ts'

/** Searches for a text in the log, from the newest record to the oldest, and in new records. */
export class TextSearch {
  readonly text: string
  /** Ids of the runs and free records that contain the text. */
  readonly found: Set<string> = new Set()
  isOver = false
  readonly #reader: ReadableStreamDefaultReader<StoredRecord>
  readonly #matches: (record: StoredRecord) => boolean

  constructor(store: LogStore, text: string) {
    this.text = text
    this.#reader = store.read({ text, order: 'desc' }).getReader()
    this.#matches = matcher({ text }).record
  }

  /** Searches the log; calls `onFound` for each new id. Rejects if the log cannot be read. */
  async run(onFound: () => void): Promise<void> {
    try {
      await forEachRecord(this.#reader, (record) => {
        if (!this.isOver && this.#addFound(record)) onFound()
        return !this.isOver
      })
    } finally {
      this.isOver = true
    }
  }

  /** Searches a record that was written just now. */
  addRecord(record: StoredRecord): void {
    if (this.#matches(record)) this.#addFound(record)
  }

  stop(): void {
    this.isOver = true
    cancelReader(this.#reader)
  }

  #addFound(record: StoredRecord): boolean {
    const isNew = !this.found.has(rowIdOfRecord(record))
    this.found.add(rowIdOfRecord(record))
    return isNew
  }
}

const rowIdOfRecord = (record: StoredRecord): string => ('event' in record ? record.event.run.id : record.id)
