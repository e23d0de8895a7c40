import { createLineEncoder, HEADER } from '../export/ndjson-lines.ts'
import type { StoredRecord } from '../record.ts'

/** Browsers keep 64 KiB alive for a page that is gone (Fetch §4.6, HTTP-network-or-cache fetch), headers and others' requests included. */
const MAX_KEEPALIVE_BYTES = 60_000
const MAX_SHIP_BATCH_RECORDS = 500

/** Some records on their way: an export of its own, which `importLog` reads. */
export interface ShipBatch {
  /** Lines of JSON, a header first. Each record has its `id`, by which whoever gets it twice sees that. */
  readonly body: string
  readonly bytes: number
  readonly records: number
  /** Pass it to `fetch`: the page may be gone before the answer comes. */
  readonly keepalive: boolean
  /** Aborts when the delivery is ended. */
  readonly signal: AbortSignal
}

/** A batch that is being made. */
export class ShipBatchBuilder {
  body: string = `${HEADER}\n`
  bytes: number = HEADER.length + 1
  records = 0
  /** Of its last record. */
  cursor = ''
  id = ''
  readonly #encodeLine = createLineEncoder()

  /** False where there is no room: then this draft must not be given more. A record that is too large for any has one of its own. */
  add(record: StoredRecord): boolean {
    if (this.records >= MAX_SHIP_BATCH_RECORDS) return false
    const line = `${this.#encodeLine(record)}\n`
    const bytes = new TextEncoder().encode(line).length
    if (this.records > 0 && this.bytes + bytes > MAX_KEEPALIVE_BYTES) return false
    this.body += line
    this.bytes += bytes
    this.records++
    this.cursor = record.cursor
    this.id = record.id
    return true
  }

  /** `isAgain`: where keeping it alive was refused, it is tried without. */
  build(signal: AbortSignal, isAgain = false): ShipBatch {
    const { body, bytes, records } = this
    return { body, bytes, records, keepalive: bytes <= MAX_KEEPALIVE_BYTES && !isAgain, signal }
  }
}
