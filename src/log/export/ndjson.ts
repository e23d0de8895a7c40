import type { LogFormatter } from './formatter.ts'
import { createLineEncoder, HEADER } from './ndjson-lines.ts'

/** Formats each record as a line, after a header line. */
export const asNdjson: LogFormatter = async function* ({ read, countRecord }) {
  const encodeLine = createLineEncoder()
  yield `${HEADER}\n`
  for await (const record of read()) {
    countRecord()
    yield `${encodeLine(record)}\n`
  }
}
