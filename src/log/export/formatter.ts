import type { LogFilter, LogQuery, StoredRecord } from '../record.ts'

/** What a formatter reads: the records to export, and the options it needs. */
export interface ExportSource {
  /** Reads the records to export, in the order in which they were written; `query` narrows them further. */
  read(query?: LogQuery): AsyncGenerator<StoredRecord, void>
  /** Counts a record as exported, for `onProgress`. */
  countRecord(): void
  readonly filter: LogFilter
  readonly tokens: boolean
  readonly content: boolean
  readonly service: string
  readonly title: string
}

/** Turns records into the text of an export. */
export type LogFormatter = (source: ExportSource) => AsyncGenerator<string, void>
