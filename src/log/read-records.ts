import type { LogQuery, StoredRecord } from './record.ts'
import type { LogStore } from './store.ts'

/** What is used of a store by who only reads it. */
export type ReadableLog = Pick<LogStore, 'read'>

/** The records of a query one by one. Whoever leaves the loop cancels the reading. */
export async function* readRecords(store: ReadableLog, query: LogQuery): AsyncGenerator<StoredRecord, void> {
  const reader = store.read(query).getReader()
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value
  } finally {
    await reader.cancel()
  }
}

/** The newest record of a log; undefined where there is none. */
export async function readNewest(store: ReadableLog, query: LogQuery = {}): Promise<StoredRecord | undefined> {
  for await (const record of readRecords(store, { ...query, order: 'desc', limit: 1 })) return record
  return undefined
}
