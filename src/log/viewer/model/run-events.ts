import type { RunEvent } from '../../../core/event.ts'
import type { StoredRecord } from '../../record.ts'
import type { LogStore } from '../../store.ts'
import { cancelReader, forEachRecord } from './for-each-record.ts'
import type { RunRow } from './row.ts'

/** The events of one run, and where it is a root of all below it: read from the log, and heard as they come. */
export class RunEvents {
  readonly row: RunRow
  /** In the order in which they happened, once they are read. */
  readonly events: RunEvent[] = []
  readonly #seen = new Set<string>()
  readonly #reader: ReadableStreamDefaultReader<StoredRecord>

  constructor(store: LogStore, row: RunRow) {
    this.row = row
    this.#reader = store.read({ runId: row.id }).getReader()
  }

  /** Those of the run itself. */
  get ownEvents(): readonly RunEvent[] {
    return this.events.filter(({ run }) => run.id === this.row.id)
  }

  /** Rejects where the log cannot be read. */
  async load(): Promise<void> {
    await forEachRecord(this.#reader, (record) => {
      if ('event' in record) this.add(record.event)
      return true
    })
    this.events.sort((a, b) => a.seq - b.seq)
  }

  /** Gives whether the event belongs here, and is new. */
  add(event: RunEvent): boolean {
    const { run, seq } = event
    const key = `${run.id} ${seq}`
    if ((run.id !== this.row.id && run.rootId !== this.row.id) || this.#seen.has(key)) return false
    this.#seen.add(key)
    this.events.push(event)
    return true
  }

  stop(): void {
    cancelReader(this.#reader)
  }
}
