import { CURSOR_CATEGORY, isCursorRecord } from '../cursor-record.ts'
import type { SegmentStore } from '../pipeline/segment-store.ts'
import { readRecords } from '../read-records.ts'
import type { Rules } from '../redact.ts'
import type { LogStore } from '../store.ts'

/** Stores how far a log has been delivered. */
export interface ShipCursor {
  /** Returns the cursor that was saved last; `undefined` if none was. */
  load(): string | undefined | PromiseLike<string | undefined>
  /** Stores the cursor of the last delivered record. If this fails, the shipper keeps the cursor in memory. */
  save(cursor: string): void | PromiseLike<void>
}

/**
 * Cursor records bypass the rules of the log: a user's rule that changed or dropped them would cause the whole log to be delivered again, or
 * nothing of it.
 */
const NO_RULES: Rules = { keep: undefined, clean: (line) => line, mask: (text) => text }

/**
 * Stores the cursor in the log itself, as a free record of the level `trace`, so that it lives as long as the log. If retention has removed
 * the newest of these records, it has also removed every record before it, and all that is left is still to be delivered.
 */
export function createLogCursor(store: Pick<LogStore, 'append' | 'read'>, name: string): ShipCursor {
  const append: SegmentStore['append'] = store.append
  return {
    async load() {
      for await (const record of readRecords(store, { text: CURSOR_CATEGORY, order: 'desc' }))
        if (isCursorRecord(record) && 'category' in record && record.category[1] === name) return record.category[2]
      return undefined
    },
    save: (cursor) => append.call(store, [{ level: 'trace', category: [CURSOR_CATEGORY, name, cursor], message: 'shipped' }], NO_RULES),
  }
}
