import type { LogFormatter } from './formatter.ts'
import { createLineEncoder, HEADER } from './ndjson-lines.ts'

/** Every record as a line, behind a line that says what it is. */
export const asNdjson: LogFormatter = async function* ({ read, countRecord }) {
  const line = createLineEncoder()
  yield `${HEADER}\n`
  for await (const record of read()) {
    countRecord()
    yield `${line(record)}\n`
  }
}
