import { recordsOf } from './export-records.ts'
import type { LogRecord, StoredRecord } from './record.ts'
import type { LogStore } from './store.ts'

/** Where is kept how far a log was delivered. */
export interface ShipCursor {
  /** What was saved last; undefined where nothing was. */
  load(): string | undefined | PromiseLike<string | undefined>
  save(cursor: string): void | PromiseLike<void>
}

/** In a category: of a free record, rules such as `withoutContent()` leave that alone. */
const CATEGORY = 'chaintap.shipped'

/** Whether a record only says how far a log was delivered. */
export const isMark = (record: LogRecord | StoredRecord): boolean => 'category' in record && [record.category].flat()[0] === CATEGORY

/**
 * Keeps a cursor in the log itself, in a free record of the level `trace`, so that it lives as long as the log does. Where retention has
 * taken the newest of these, it has taken everything before it too, and all that is left is to be delivered.
 */
export function cursorIn(store: Pick<LogStore, 'append' | 'read'>, name: string): ShipCursor {
  return {
    async load() {
      for await (const record of recordsOf(store, { text: CATEGORY, order: 'desc' }))
        if (isMark(record) && 'category' in record && record.category[1] === name) return record.category[2]
      return undefined
    },
    save: (cursor) => store.append([{ level: 'trace', category: [CATEGORY, name, cursor], message: 'shipped' }]),
  }
}
