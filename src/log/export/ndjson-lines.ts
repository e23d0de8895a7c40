import { encoder } from '../../core/json/encoder.ts'
import { stringify } from '../../core/json/stringify.ts'
import type { StoredRecord } from '../record.ts'

/** The first line of what is exported or shipped. */
export const HEADER = '{"chaintap":"log","version":1}'

/** What is in a log has been cut already. */
const UNLIMITED = { limit: Infinity }

/**
 * Makes what writes records as lines of JSON: an event as the codec has it, its run whole where the lines first tell of it; a free record
 * with its fields. Each has its `id` before them.
 */
export function createLineEncoder(): (record: StoredRecord) => string {
  const encode = encoder(UNLIMITED)
  return (record) => {
    if ('event' in record) return `{"id":${JSON.stringify(record.id)},${encode(record.event).slice(1)}`
    const { id, level, at, category, message, properties } = record
    return stringify({ id, level, at, category, message, properties }, UNLIMITED)
  }
}
