import type { LogQuery, StoredRecord } from './record.ts'
import type { LogStore } from './store.ts'

/** The part of a store that readers use. */
export type ReadableLog = Pick<LogStore, 'read'>

/** Yields the records of a query. Leaving the loop cancels the read. */
export async function* readRecords(store: ReadableLog, query: LogQuery): AsyncGenerator<StoredRecord, void> {
  const reader = store.read(query).getReader()
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value
  } finally {
    await reader.cancel()
  }
}

/** Returns the newest record of a log, or `undefined` if it is empty. */
export async function readNewest(store: ReadableLog, query: LogQuery = {}): Promise<StoredRecord | undefined> {
  for await (const record of readRecords(store, { ...query, order: 'desc', limit: 1 })) return record
  return undefined
}
