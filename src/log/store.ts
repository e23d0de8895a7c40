import type { AsyncDisposableIfKnown } from '../core/util/dispose.ts'
import type { LogFilter, LogQuery, LogRecord, StoredRecord } from './record.ts'

/** How much a log keeps. Whole segments (see docs/log.md) go, oldest first; the newest one stays, whatever its size. */
export interface PruneLimits {
  /** Tokens count one by one. */
  readonly maxRecords?: number
  readonly maxBytes?: number
  readonly maxAgeMs?: number
}

/** Says things in the name of a category. Never throws, and nobody waits for it. What is no text is written as text, and kept as `properties.value`. */
export interface Logger {
  trace(message: unknown, properties?: Readonly<Record<string, unknown>>): void
  debug(message: unknown, properties?: Readonly<Record<string, unknown>>): void
  info(message: unknown, properties?: Readonly<Record<string, unknown>>): void
  warn(message: unknown, properties?: Readonly<Record<string, unknown>>): void
  error(message: unknown, properties?: Readonly<Record<string, unknown>>): void
  fatal(message: unknown, properties?: Readonly<Record<string, unknown>>): void
}

/**
 * An append-only log of run events and free records, wherever it is kept.
 *
 * It is `AsyncDisposable`: disposing of it flushes and closes it, and records written later are ignored.
 *
 * @example
 * const store: LogStore = new MemoryLogStore()
 * await chain.invoke(input, { callbacks: [logHandler(store)] })
 * const failed = store.read({ level: 'error', order: 'desc', limit: 10 })
 */
export interface LogStore extends AsyncDisposableIfKnown {
  /** Whether what it acknowledges outlives this page or process. */
  readonly isDurable: boolean
  /** Takes a record without acknowledging it: what handlers and loggers use. Never throws. */
  write(record: LogRecord): void
  /**
   * Takes records, in their order: before it returns as many as there is room for, the others as there is. The promise is the
   * acknowledgement: it resolves when all are kept (P10). A rejection that nobody handles is no unhandled one.
   *
   * @throws ChaintapError `log_not_written`, `log_closed`
   */
  append(records: readonly LogRecord[]): Promise<void>
  /** What is in the log, everything taken before the call included. A stream that is not read costs nothing. */
  read(query?: LogQuery): ReadableStream<StoredRecord>
  /** What comes into the log from now on, or, with `after`, what has come since that. Without end, until it is cancelled. */
  tail(filter?: LogFilter): ReadableStream<StoredRecord>
  prune(limits: PruneLimits): Promise<void>
  /** Removes everything. */
  clear(): Promise<void>
  /** Functions that are called when records have been removed, here or, where that is told, elsewhere: what was read may be gone. */
  readonly onRemoval?: Pick<Set<() => void>, 'add' | 'delete'>
  /**
   * Resolves when everything taken so far is kept.
   *
   * @throws ChaintapError `log_not_written`
   */
  flush(): Promise<void>
  logger(category: string | readonly string[]): Logger
}
