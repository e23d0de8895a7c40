import { encoder } from '../../core/json/encoder.ts'
import { stringify } from '../../core/json/stringify.ts'
import type { StoredRecord } from '../record.ts'

/** The first line of an export or a shipped batch. */
export const HEADER = '{"chaintap":"log","version":1}'

/** Values were already limited when they were logged. */
const UNLIMITED = { limit: Infinity }

/**
 * Returns a function that encodes records as lines of JSON, each with its `id` first: an event as the codec encodes it, with the complete run in
 * its first event; a free record with its fields.
 */
export function createLineEncoder(): (record: StoredRecord) => string {
  const encode = encoder(UNLIMITED)
  return (record) => {
    if ('event' in record) return `{"id":${JSON.stringify(record.id)},${encode(record.event).slice(1)}`
    const { id, level, at, category, message, properties } = record
    return stringify({ id, level, at, category, message, properties }, UNLIMITED)
  }
}
