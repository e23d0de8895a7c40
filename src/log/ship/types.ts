import type { AsyncDisposableIfKnown } from '../../core/util/dispose.ts'
import type { LogFilter } from '../record.ts'
import type { ShipCursor } from './cursor.ts'
import type { PostOptions } from './post.ts'

/** Options of {@link shipTo}: which records are sent, how, and how often. */
export interface ShipOptions extends Omit<LogFilter, 'after' | 'before'>, PostOptions {
  /**
   * Distinguishes the shippers of one log: each name has a cursor of its own.
   *
   * @defaultValue the URL without its query; `'function'` for a function
   */
  readonly name?: string
  /**
   * How long a record waits for further records, in ms. Records of the levels `error` and `fatal` are sent at once.
   *
   * @defaultValue 5000
   */
  readonly delayMs?: number
  /**
   * Stores how far the log has been delivered.
   *
   * @defaultValue a record of the log itself, of the level `trace`
   */
  readonly cursor?: ShipCursor
  /** Ends the delivery when it aborts. */
  readonly signal?: AbortSignal
  /** Called with each error that is followed by another attempt. */
  readonly onRetry?: (error: unknown) => void
  /**
   * Called with the error that ended the delivery.
   *
   * @defaultValue `reportError`, or `console.error` where that is missing
   */
  readonly onError?: (error: unknown) => void
}

/** A running delivery, returned by {@link shipTo}. Disposing of it ends it without sending the rest: call `flush` first. */
export interface Shipper extends AsyncDisposableIfKnown {
  /**
   * Sends everything that is in the log now; resolves once the target has accepted it. If another tab is sending, waits for that tab first.
   *
   * @throws the error that has ended the delivery; ChaintapError `log_closed` if it was ended without one
   */
  flush(): Promise<void>
  /** Resolves when the delivery was ended, rejects when it failed. The rejection need not be handled. */
  readonly closed: Promise<void>
}
