import type { AsyncDisposableIfKnown } from '../core/util/dispose.ts'
import type { LogFilter, LogQuery, LogRecord, StoredRecord } from './record.ts'

/** Limits for the size of a log. Whole segments (see docs/log.md) are removed, oldest first; the newest one always stays. */
export interface PruneLimits {
  /** Maximum number of records; each token is one. */
  readonly maxRecords?: number
  /** Maximum size, in bytes. */
  readonly maxBytes?: number
  /** Maximum age of a record, in ms. */
  readonly maxAgeMs?: number
}

/**
 * Writes messages of one category. Its methods return at once and never throw. A `message` that is not a string is converted to text, and
 * stored as `properties.value`.
 */
export interface Logger {
  /** Writes a message of the level `trace`. */
  trace(message: unknown, properties?: Readonly<Record<string, unknown>>): void
  /** Writes a message of the level `debug`. */
  debug(message: unknown, properties?: Readonly<Record<string, unknown>>): void
  /** Writes a message of the level `info`. */
  info(message: unknown, properties?: Readonly<Record<string, unknown>>): void
  /** Writes a message of the level `warning`. */
  warn(message: unknown, properties?: Readonly<Record<string, unknown>>): void
  /** Writes a message of the level `error`. */
  error(message: unknown, properties?: Readonly<Record<string, unknown>>): void
  /** Writes a message of the level `fatal`. */
  fatal(message: unknown, properties?: Readonly<Record<string, unknown>>): void
}

/**
 * An append-only log of run events and messages, independent of where it is stored.
 *
 * It is `AsyncDisposable`: disposing of the store flushes and closes it. Records written later are ignored.
 *
 * @example
 * const store: LogStore = new MemoryLogStore()
 * await chain.invoke('hello', { callbacks: [logHandler(store)] })
 * const failed = store.read({ level: 'error', order: 'desc', limit: 10 })
 */
export interface LogStore extends AsyncDisposableIfKnown {
  /** Whether acknowledged records outlive this page or process. */
  readonly isDurable: boolean
  /** Writes a record without acknowledgement, as handlers and loggers do. Never throws. */
  write(record: LogRecord): void
  /**
   * Writes records in their order: as many as fit before it returns, the rest as room becomes free. Resolves when all are stored (P10). An
   * unhandled rejection of this promise is not reported by the engine.
   *
   * @throws ChaintapError `log_not_written` if they could not be stored, `log_closed` if the store was closed
   */
  append(records: readonly LogRecord[]): Promise<void>
  /** Reads records, including every record written before the call. The stream does nothing until it is read. */
  read(query?: LogQuery): ReadableStream<StoredRecord>
  /** Reads the records written from now on or, with `after`, since that position. The stream has no end: cancel it. */
  tail(filter?: LogFilter): ReadableStream<StoredRecord>
  /** Removes the oldest records until the log is within the limits. */
  prune(limits: PruneLimits): Promise<void>
  /** Removes every record. */
  clear(): Promise<void>
  /**
   * Functions that are called after records were removed by this tab or, if the backend reports it, by another one. Records read earlier may
   * no longer exist.
   */
  readonly onRemoval?: Pick<Set<() => void>, 'add' | 'delete'>
  /**
   * Resolves when every record written so far is stored.
   *
   * @throws ChaintapError `log_not_written`
   */
  flush(): Promise<void>
  /** Returns a logger for a category, from general to specific: `'app'` or `['app', 'chat']`. */
  logger(category: string | readonly string[]): Logger
}
