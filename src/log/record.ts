import type { RunEvent, RunKind } from '../core/event.ts'
import type { LogLevel } from './level.ts'

/** A free record: what a program says for itself, beside what happens to its runs. */
export interface LogMessage {
  readonly level: LogLevel
  /** Who says it, from the general to the particular: `['app', 'chat']`. */
  readonly category: string | readonly string[]
  readonly message: string
  /** What else is to be kept. Anything: what is no JSON is written as the codec writes it. */
  readonly properties?: Readonly<Record<string, unknown>>
  /** ms since epoch. Default: now. */
  readonly at?: number
}

/** What a log takes. */
export type LogRecord = RunEvent | LogMessage

interface StoredFields {
  /** Never changes, and nobody else has it: by it somebody who gets a record twice sees that. */
  readonly id: string
  /** Its place in the log, for `after` and `before`. */
  readonly cursor: string
  /** ms since epoch. */
  readonly at: number
  readonly level: LogLevel
}

/** An event as it is read. Within one read all events of a run have the same Run object. */
export interface StoredEvent extends StoredFields {
  readonly event: RunEvent
}

/** A free record as it is read. */
export interface StoredMessage extends StoredFields {
  readonly category: readonly string[]
  readonly message: string
  readonly properties: Readonly<Record<string, unknown>>
}

/** What a log gives: `'event' in record` tells the two apart. */
export type StoredRecord = StoredEvent | StoredMessage

/** Which records. All that is given must hold; of a list, one item. */
export interface LogFilter {
  /** A cursor, or a time (ms since epoch, or a Date): only records after it. */
  readonly after?: string | number | Date
  /** A cursor, or a time: only records before it. */
  readonly before?: string | number | Date
  /** Events of this run; for the id of a root, of all runs of its tree. */
  readonly runId?: string
  readonly kind?: RunKind | readonly RunKind[]
  /** A tag of the event's run. */
  readonly tag?: string | readonly string[]
  /** This level or a higher one. */
  readonly level?: LogLevel
  /** Part of a text in the record, at any depth, or of the run's name. Letters match whether capital or small. */
  readonly text?: string
}

/** What to read, and how. */
export interface LogQuery extends LogFilter {
  /** In the order in which records were written, or newest first. Default `asc`. */
  readonly order?: 'asc' | 'desc'
  /** How many records at most. Default: all. */
  readonly limit?: number
}
