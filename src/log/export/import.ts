import { ChaintapError } from '../../core/errors.ts'
import { isCursorRecord } from '../cursor-record.ts'
import { readNewest } from '../read-records.ts'
import type { LogRecord } from '../record.ts'
import type { LogStore } from '../store.ts'
import { filterUnknown } from './import-known.ts'
import { createLineParser, type ParsedLine, splitLines } from './import-lines.ts'

/** The number of records imported so far, or in total. */
export interface ImportProgress {
  /** Records written to the log. */
  readonly records: number
  /** Records skipped because the log already contains them. */
  readonly repeats: number
}

/** Options of {@link importLog}. */
export interface ImportOptions {
  /** Called after each batch of at most 500 records. */
  readonly onProgress?: (progress: ImportProgress) => void
  /** Stops the import when it aborts, even if the source stalls. */
  readonly signal?: AbortSignal
}

/** Limits of one batch. */
const IMPORT_BATCH_RECORDS = 500
const IMPORT_BATCH_CHARACTERS = 1_048_576

/**
 * Imports an `ndjson` export of {@link exportLog}, or batches sent by `shipTo`, into a log; the source may consist of several of them. Imported
 * records equal the exported ones, except for `id` and `cursor`, which each log assigns itself.
 *
 * Records that the log already contains are skipped. An event is identified by the id of its run, its `seq`, time and type; a free record by all
 * of its content, and equal ones are counted. A record that a rule of the log (`redact`, `keep`, `limit`) changes is not recognised as a
 * duplicate.
 *
 * @throws ChaintapError `invalid_log`, with the line number. The lines before it may have been imported; importing the mended source again does
 * not duplicate them
 * @throws ChaintapError `log_not_written` or `log_closed`
 * @example
 * const backup = await new Response(exportLog(log)).blob()
 * const { records, repeats } = await importLog(log, backup)
 * show(`${records} imported, ${repeats} skipped`)
 */
export async function importLog(
  store: Pick<LogStore, 'append' | 'read'>,
  source: ReadableStream<Uint8Array | string> | Blob | string,
  { onProgress, signal }: ImportOptions = {},
): Promise<ImportProgress> {
  const given: ReadableStream<Uint8Array | string> = source instanceof ReadableStream ? source : new Blob([source]).stream()
  // pipeThrough() lets the signal end a read that stalls.
  const stream = signal ? given.pipeThrough(new TransformStream(), { signal }) : given
  let progress: ImportProgress = { records: 0, repeats: 0 }
  let end = ''
  for await (const { records, isFirst } of readImportBatches(stream)) {
    if (isFirst) end = (await readNewest(store))?.cursor ?? ''
    const unknown = await filterUnknown(store, records, end)
    await store.append(unknown)
    progress = { records: progress.records + unknown.length, repeats: progress.repeats + records.length - unknown.length }
    onProgress?.(progress)
  }
  return progress
}

interface ImportBatch {
  readonly records: readonly LogRecord[]
  /** It starts with a header: it may repeat records of the sources before it. */
  readonly isFirst: boolean
}

async function* readImportBatches(stream: ReadableStream<Uint8Array | string>): AsyncGenerator<ImportBatch, void> {
  let records: LogRecord[] = []
  let characters = 0
  let isFirst = true
  for await (const { line, length } of readLines(stream)) {
    const isHeader = line === 'header'
    if (isHeader || records.length >= IMPORT_BATCH_RECORDS || characters >= IMPORT_BATCH_CHARACTERS) {
      if (records.length > 0) yield { records, isFirst }
      isFirst = isHeader
      records = []
      characters = 0
    }
    // The cursor of another log means nothing in this one.
    if (isHeader || isCursorRecord(line)) continue
    records.push(line)
    characters += length
  }
  if (records.length > 0) yield { records, isFirst }
}

/** Parses lines; yields each with its length in characters. */
async function* readLines(
  stream: ReadableStream<Uint8Array | string>,
): AsyncGenerator<{ readonly line: NonNullable<ParsedLine>; readonly length: number }, void> {
  const parseLine = createLineParser()
  let number = 1
  let isEmpty = true
  try {
    for await (const text of splitLines(stream)) {
      const line = parseLine(text)
      number++
      isEmpty &&= line === undefined
      if (line) yield { line, length: text.length }
    }
  } catch (cause) {
    // Other errors come from the source.
    if (!(cause instanceof ChaintapError && cause.code.startsWith('invalid_'))) throw cause
    throw new ChaintapError('invalid_log', `Line ${number} cannot be imported: ${cause.message}`, { cause })
  }
  if (isEmpty) throw new ChaintapError('invalid_log', 'The source is empty. An exported log contains at least a header line.')
}
