import { matcher } from '../../pipeline/match.ts'
import type { StoredRecord } from '../../record.ts'
import type { LogStore } from '../../store.ts'
import { cancelReader, forEachRecord } from './for-each-record.ts'

/** Looks for a text: in the log, from the newest record to the oldest, and in what comes. */
export class TextSearch {
  readonly text: string
  /** Ids of the runs and of the free records that have it. */
  readonly found: Set<string> = new Set()
  isOver = false
  readonly #reader: ReadableStreamDefaultReader<StoredRecord>
  readonly #matches: (record: StoredRecord) => boolean

  constructor(store: LogStore, text: string) {
    this.text = text
    this.#reader = store.read({ text, order: 'desc' }).getReader()
    this.#matches = matcher({ text }).record
  }

  /** Goes through the log; tells when there is another one. Rejects where the log cannot be read. */
  async run(found: () => void): Promise<void> {
    try {
      await forEachRecord(this.#reader, (record) => {
        if (!this.isOver && this.#addFound(record)) found()
        return !this.isOver
      })
    } finally {
      this.isOver = true
    }
  }

  /** Looks at a record that has come just now. */
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
