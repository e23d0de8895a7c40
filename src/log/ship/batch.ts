import { createLineEncoder, HEADER } from '../export/ndjson-lines.ts'
import type { StoredRecord } from '../record.ts'

/** Browsers limit the keepalive requests of a page to 64 KiB together, headers included (Fetch §4.6, HTTP-network-or-cache fetch). */
const MAX_KEEPALIVE_BYTES = 60_000
const MAX_SHIP_BATCH_RECORDS = 500

/** A batch of log records to deliver: a complete NDJSON export, which `importLog` reads. */
export interface ShipBatch {
  /** NDJSON: a header, then one record a line. Each record has its `id`: use it to deduplicate records that are delivered twice. */
  readonly body: string
  /** Size of `body` in UTF-8, in bytes. */
  readonly bytes: number
  /** Number of records in `body`. */
  readonly records: number
  /** Whether the request may outlive the page: pass it to `fetch`. `false` above 60,000 bytes, and after a failed attempt. */
  readonly keepalive: boolean
  /** Aborts when the delivery is ended: pass it to `fetch`. */
  readonly signal: AbortSignal
}

/** Collects records for a {@link ShipBatch}. */
export class ShipBatchBuilder {
  body: string = `${HEADER}\n`
  bytes: number = HEADER.length + 1
  records = 0
  /** Cursor of the last record. */
  cursor = ''
  /** `id` of the last record. */
  id = ''
  readonly #encodeLine = createLineEncoder()

  /** Adds a record. Returns `false` if the batch is full; do not add to it then. A record larger than the limit gets a batch of its own. */
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

  /** `isRetry`: the first attempt may have failed because the browser refused `keepalive`, so that retries do without. */
  build(signal: AbortSignal, isRetry = false): ShipBatch {
    const { body, bytes, records } = this
    return { body, bytes, records, keepalive: bytes <= MAX_KEEPALIVE_BYTES && !isRetry, signal }
  }
}
