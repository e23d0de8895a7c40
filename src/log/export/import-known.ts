import { stringify } from '../../core/json/stringify.ts'
import { type ReadableLog, readRecords } from '../read-records.ts'
import type { LogRecord, StoredRecord } from '../record.ts'

/**
 * Returns the records that the log does not contain. Each log assigns ids of its own, so equal free records are counted: only
 * those up to the cursor `end`, because later ones were added by the import itself.
 *
 * Reads the log in the time range of the records, and keeps only counts.
 */
export async function filterUnknown(store: ReadableLog, records: readonly LogRecord[], end: string): Promise<readonly LogRecord[]> {
  const times = records.map(({ at = 0 }) => at)
  const known = new Map(records.map((record) => [identityKey(record), 0]))
  for await (const record of readRecords(store, { after: Math.min(...times) - 1, before: Math.max(...times) + 1 })) {
    if (!('event' in record) && record.cursor > end) continue
    const key = identityKey(toLogRecord(record))
    const count = known.get(key)
    if (count !== undefined) known.set(key, count + 1)
  }
  return records.filter((record) => {
    const key = identityKey(record)
    const count = known.get(key) ?? 0
    if ('run' in record) known.set(key, 1)
    else known.set(key, count - 1)
    return count <= 0
  })
}

const toLogRecord = (record: StoredRecord): LogRecord => ('event' in record ? record.event : record)

function identityKey(record: LogRecord): string {
  if ('run' in record) return `${record.run.id} ${record.seq} ${record.at} ${record.type}`
  const { at, level, category, message, properties } = record
  return stringify([at, level, category, message, properties])
}
