import { ChaintapError } from '../../core/errors.ts'
import { isCursorRecord } from '../cursor-record.ts'
import { readNewest } from '../read-records.ts'
import type { LogRecord } from '../record.ts'
import type { LogStore } from '../store.ts'
import { filterUnknown } from './import-known.ts'
import { createLineParser, type ParsedLine, splitLines } from './import-lines.ts'

/** What has been imported so far, or in all. */
export interface ImportProgress {
  /** Written to the log. */
  readonly records: number
  /** Left out, for the log has them. */
  readonly repeats: number
}

/** Options of {@link importLog}. */
export interface ImportOptions {
  /** Told after each batch of some hundred records. */
  readonly onProgress?: (progress: ImportProgress) => void
  readonly signal?: AbortSignal
}

/** How many records, or characters, are taken at once. */
const IMPORT_BATCH_RECORDS = 500
const IMPORT_BATCH_CHARACTERS = 1_048_576

/**
 * Reads what {@link exportLog} wrote as `ndjson`, or what `shipTo` sent, into a log; several of them may follow each other. Records are
 * equal to those that were exported, their `id` and `cursor` aside, which are the log's own.
 *
 * What the log has is not written again: an event is known by the id of its run, its `seq`, time and type; a free record by all that is in
 * it, as often as it is there. Rules of the log (`redact`, `keep`, `limit`) that change a record make it another one.
 *
 * @throws ChaintapError `invalid_log`, which names the line; `log_not_written`, `log_closed`. What stands before that line may be in the
 * log then, and can be imported again.
 * @example
 * const { records } = await importLog(store, file)
 */
export async function importLog(
  store: Pick<LogStore, 'append' | 'read'>,
  source: ReadableStream<Uint8Array | string> | Blob | string,
  { onProgress, signal }: ImportOptions = {},
): Promise<ImportProgress> {
  const given: ReadableStream<Uint8Array | string> = source instanceof ReadableStream ? source : new Blob([source]).stream()
  // A stream that stalls is left, too.
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
  /** It begins behind a header: what stands before that may be in it again. */
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
    // What was delivered of another log says nothing about this one.
    if (isHeader || isCursorRecord(line)) continue
    records.push(line)
    characters += length
  }
  if (records.length > 0) yield { records, isFirst }
}

/** What lines say, and how long they are. */
async function* readLines(
  stream: ReadableStream<Uint8Array | string>,
): AsyncGenerator<{ readonly line: NonNullable<ParsedLine>; readonly length: number }, void> {
  const read = createLineParser()
  let number = 1
  let isEmpty = true
  try {
    for await (const text of splitLines(stream)) {
      const line = read(text)
      number++
      isEmpty &&= line === undefined
      if (line) yield { line, length: text.length }
    }
  } catch (cause) {
    // Anything else is a failure of the stream.
    if (!(cause instanceof ChaintapError && cause.code.startsWith('invalid_'))) throw cause
    throw new ChaintapError('invalid_log', `Line ${number} cannot be imported: ${cause.message}`, { cause })
  }
  if (isEmpty) throw new ChaintapError('invalid_log', 'There is nothing to import: an exported log has a header at least.')
}
