import type { SegmentStore } from '../pipeline/segment-store.ts'
import { readRecords } from '../read-records.ts'
import type { LogRecord, StoredRecord } from '../record.ts'
import type { Rules } from '../redact.ts'
import type { LogStore } from '../store.ts'

/** Where is kept how far a log was delivered. */
export interface ShipCursor {
  /** What was saved last; undefined where nothing was. */
  load(): string | undefined | PromiseLike<string | undefined>
  save(cursor: string): void | PromiseLike<void>
}

const CURSOR_CATEGORY = 'chaintap.shipped'

/** Whether a record only says how far a log was delivered. */
export const isCursorRecord = (record: LogRecord | StoredRecord): boolean =>
  'category' in record && [record.category].flat()[0] === CURSOR_CATEGORY

/** Where a user's rule changed how far the log was delivered, or left that out, all of it would be delivered again, or nothing. */
const NO_RULES: Rules = { keep: undefined, clean: (line) => line, mask: (text) => text }

/**
 * Keeps a cursor in the log itself, in a free record of the level `trace`, so that it lives as long as the log does. Where retention has
 * taken the newest of these, it has taken everything before it too, and all that is left is to be delivered.
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
