import type { Format } from './index.ts'
import { HEADER, liner } from './ndjson-lines.ts'

/** Every record as a line, behind a line that says what it is. */
export const asLines: Format = async function* ({ read, wrote }) {
  const line = liner()
  yield `${HEADER}\n`
  for await (const record of read()) {
    wrote()
    yield `${line(record)}\n`
  }
}
