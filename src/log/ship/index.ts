import type { LogFilter } from '../record.ts'
import type { LogStore } from '../store.ts'
import type { ShipBatch } from './batch.ts'
import type { ShipCursor } from './cursor.ts'
import type { PostOptions, ShipTarget } from './post.ts'
import { Uploader } from './uploader.ts'

export type { ShipBatch, ShipCursor, ShipTarget }

/** Options of {@link shipTo}: which records, how, and how often. */
export interface ShipOptions extends Omit<LogFilter, 'after' | 'before'>, PostOptions {
  /** Tells deliveries of one log apart. Default: the address without its query, `function` for a function. */
  readonly name?: string
  /** How long a record waits for others, in ms; errors do not. Default 5,000. */
  readonly delayMs?: number
  /** Where is kept how far the log was delivered. Default: in a record of the log. */
  readonly cursor?: ShipCursor
  /** Ends the delivery. */
  readonly signal?: AbortSignal
  /** Told of each failure after which it is tried again. */
  readonly onRetry?: (error: unknown) => void
  /** Told when it ends by a failure. Default: `reportError`, else `console.error`. */
  readonly onError?: (error: unknown) => void
}

/** A delivery that goes on. Disposing of it ends it, and sends nothing more; `flush` first. */
export interface Shipper extends AsyncDisposable {
  /**
   * Sends at once what is in the log now; resolves when it was taken. Where another tab is sending it waits for that first.
   *
   * @throws what has ended the delivery
   */
  flush(): Promise<void>
  /** Resolves when it is ended, rejects when it has failed; that need not be handled. */
  readonly closed: Promise<void>
}

/**
 * Delivers a log to a server, what is in it and what comes into it, in batches of NDJSON. Each record arrives at least once: how far it was
 * delivered is kept, and what was not acknowledged is sent again, with the same `id`s. It is tried again for as long as there is no answer,
 * or one of 5xx, 408, 425 or 429 (`Retry-After` is heeded); any other answer ends it.
 *
 * Of several tabs with one log, one delivers. When the page is left, what is waiting is sent with `keepalive`.
 *
 * @throws ChaintapError `ship_refused`, by `closed` and `onError`
 * @example
 * const shipper = shipTo(log.store, '/api/logs', { level: 'info' })
 */
export function shipTo(store: LogStore, target: string | URL | ShipTarget, options: ShipOptions = {}): Shipper {
  return new Uploader(store, target, options)
}
