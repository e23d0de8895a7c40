import type { RunEvent, RunKind } from '../core/event.ts'
import type { LogLevel } from './level.ts'

/** A record that a program writes itself, beside the events of its runs. */
export interface LogMessage {
  /** Severity. */
  readonly level: LogLevel
  /** Origin, from general to specific: `['app', 'chat']`. */
  readonly category: string | readonly string[]
  /** Text. */
  readonly message: string
  /** Structured data. Values that JSON cannot express are encoded as in `chaintap/json`. */
  readonly properties?: Readonly<Record<string, unknown>>
  /**
   * Time, in ms since epoch.
   *
   * @defaultValue now
   */
  readonly at?: number
}

/** What a log accepts: an event of a run, or a message of the program. */
export type LogRecord = RunEvent | LogMessage

interface StoredFields {
  /** Stable and globally unique: use it to deduplicate records. */
  readonly id: string
  /** Position in the log, for `after` and `before`. */
  readonly cursor: string
  /** Time, in ms since epoch. */
  readonly at: number
  /** Severity. */
  readonly level: LogLevel
}

/** An event read from a log. Within one read, all events of a run have the same Run object. */
export interface StoredEvent extends StoredFields {
  /** The event as it was emitted. */
  readonly event: RunEvent
}

/** A {@link LogMessage} read from a log. */
export interface StoredMessage extends StoredFields {
  /** Origin, from general to specific. */
  readonly category: readonly string[]
  /** Text. */
  readonly message: string
  /** Structured data; `{}` if none was written. */
  readonly properties: Readonly<Record<string, unknown>>
}

/** A record read from a log. `'event' in record` distinguishes the two kinds. */
export type StoredRecord = StoredEvent | StoredMessage

/** Selects records. Every given condition must match; of a list, one item. */
export interface LogFilter {
  /** Only records after this cursor or time (ms since epoch, or a Date). */
  readonly after?: string | number | Date
  /** Only records before this cursor or time (ms since epoch, or a Date). */
  readonly before?: string | number | Date
  /** Only events of this run; with the id of a root run, of every run in its tree. */
  readonly runId?: string
  /** Only events of runs of this kind, or of one of these kinds. */
  readonly kind?: RunKind | readonly RunKind[]
  /** Only events of runs that have this tag, or one of these tags. */
  readonly tag?: string | readonly string[]
  /** Only records of this level or a higher one. */
  readonly level?: LogLevel
  /** Only records that contain this text, ignoring case, at any depth, or whose run has it in its name. */
  readonly text?: string
}

/** Selects records, and says in which order to read them. */
export interface LogQuery extends LogFilter {
  /**
   * `asc`: in the order in which records were written. `desc`: newest first.
   *
   * @defaultValue 'asc'
   */
  readonly order?: 'asc' | 'desc'
  /**
   * Maximum number of records.
   *
   * @defaultValue Infinity
   */
  readonly limit?: number
}
