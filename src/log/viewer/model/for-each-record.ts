import type { StoredRecord } from '../../record.ts'

/** How long records are taken without a pause for the page, in ms. */
const MAX_SLICE_MS = 8

/** Takes records until told to stop by `false`. Gives whether there are no more. Lets the page do its work in between. */
export async function forEachRecord(
  reader: ReadableStreamDefaultReader<StoredRecord>,
  take: (record: StoredRecord) => boolean,
): Promise<boolean> {
  let began = performance.now()
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    if (!take(read.value)) return false
    if (performance.now() - began < MAX_SLICE_MS) continue
    await new Promise((resolve) => setTimeout(resolve))
    began = performance.now()
  }
  return true
}

/** A reader that has failed has nothing to cancel. */
export const cancelReader = (reader: ReadableStreamDefaultReader<StoredRecord>): void => void reader.cancel().catch(() => {})
