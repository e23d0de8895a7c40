import type { StoredRecord } from '../../record.ts'

/** Maximum time for which records are read without yielding to the page, in ms. */
const MAX_SLICE_MS = 8

/** Reads records until `take` returns `false`; returns whether the end was reached. Yields to the page in between. */
export async function forEachRecord(
  reader: ReadableStreamDefaultReader<StoredRecord>,
  take: (record: StoredRecord) => boolean,
): Promise<boolean> {
  let sliceStart = performance.now()
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    if (!take(read.value)) return false
    if (performance.now() - sliceStart < MAX_SLICE_MS) continue
    await new Promise((resolve) => setTimeout(resolve))
    sliceStart = performance.now()
  }
  return true
}

/** Cancels a reader; ignores that cancelling a failed stream rejects. */
export const cancelReader = (reader: ReadableStreamDefaultReader<StoredRecord>): void => void reader.cancel().catch(() => {})
