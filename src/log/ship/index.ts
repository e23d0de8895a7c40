import type { LogStore } from '../store.ts'
import type { ShipBatch } from './batch.ts'
import type { ShipCursor } from './cursor.ts'
import type { ShipTarget } from './post.ts'
import type { ShipOptions, Shipper } from './types.ts'
import { Uploader } from './uploader.ts'

export type { ShipBatch, ShipCursor, ShipOptions, Shipper, ShipTarget }

/**
 * Delivers a log to a server: the records that are in it and those that are written later, as batches of NDJSON that `importLog` reads.
 *
 * Each record is delivered at least once: the position in the log is stored after each batch, and a batch that was not acknowledged is sent
 * again with the same record `id`s. Network errors and the statuses 408, 425, 429 and 5xx are retried without limit, after the time in
 * `Retry-After` if the response has one. Any other status that is not 2xx ends the delivery.
 *
 * If several tabs ship the same log, one of them sends at a time (Web Locks). When the page is left, pending records are sent with
 * `keepalive`.
 *
 * @param target - the URL to POST to, or a function that takes a batch
 * @throws ChaintapError `ship_refused`, through `closed` and `onError`
 * @example
 * const shipper = shipTo(log, '/api/logs', { level: 'info' })
 */
export function shipTo(store: LogStore, target: string | URL | ShipTarget, options: ShipOptions = {}): Shipper {
  return new Uploader(store, target, options)
}
