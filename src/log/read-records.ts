import type { LogQuery, StoredRecord } from './record.ts'
import type { LogStore } from './store.ts'

/** What is used of a store by who only reads it. */
export type Readable = Pick<LogStore, 'read'>

/** The records of a query one by one. Whoever leaves the loop cancels the reading. */
export async function* recordsOf(store: Readable, query: LogQuery): AsyncGenerator<StoredRecord, void> {
  const reader = store.read(query).getReader()
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value
  } finally {
    await reader.cancel()
  }
}

/** The newest record of a log; undefined where there is none. */
export async function newest(store: Readable, query: LogQuery = {}): Promise<StoredRecord | undefined> {
  for await (const record of recordsOf(store, { ...query, order: 'desc', limit: 1 })) return record
  return undefined
}
