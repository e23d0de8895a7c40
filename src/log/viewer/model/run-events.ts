import type { RunEvent } from '../../../core/event.ts'
import type { StoredRecord } from '../../record.ts'
import type { LogStore } from '../../store.ts'
import { cancelReader, forEachRecord } from './for-each-record.ts'
import type { RunRow } from './row.ts'

/** The events of one run (of a root: of its whole tree), read from the log and received while they are written. */
export class RunEvents {
  readonly row: RunRow
  /** Ordered by `seq` once `load` has resolved. */
  readonly events: RunEvent[] = []
  readonly #seen = new Set<string>()
  readonly #reader: ReadableStreamDefaultReader<StoredRecord>

  constructor(store: LogStore, row: RunRow) {
    this.row = row
    this.#reader = store.read({ runId: row.id }).getReader()
  }

  /** The events of the run itself. */
  get ownEvents(): readonly RunEvent[] {
    return this.events.filter(({ run }) => run.id === this.row.id)
  }

  /** Reads the events from the log; rejects if that fails. */
  async load(): Promise<void> {
    await forEachRecord(this.#reader, (record) => {
      if ('event' in record) this.add(record.event)
      return true
    })
    this.events.sort((a, b) => a.seq - b.seq)
  }

  /** Adds an event; returns `false` if it belongs to another run or is known. */
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
