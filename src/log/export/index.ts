import { ChaintapError } from '../../core/errors.ts'
import { streamFromBatches } from '../pipeline/batch-stream.ts'
import { type ReadableLog, readRecords } from '../read-records.ts'
import type { LogFilter } from '../record.ts'
import type { ExportSource, LogFormatter } from './formatter.ts'

export type { ReadableLog } from '../read-records.ts'
export { type ImportOptions, type ImportProgress, importLog } from './import.ts'

/**
 * The formats of {@link exportLog}:
 *
 * - `text`: the output of LangChain's handlers, without colours
 * - `ansi`: the same with colours, as LangChain's FileCallbackHandler and a logger would have written the file
 * - `html`: a self-contained page without scripts or requests
 * - `ndjson`: each record as a line of JSON, for {@link importLog}; lossless
 * - `otlp`: run trees as OpenTelemetry traces: lines of TracesData in OTLP/JSON, which a collector's `/v1/traces` accepts
 */
export type LogFormat = 'text' | 'ansi' | 'html' | 'ndjson' | 'otlp'

/** The progress of an export. */
export interface ExportProgress {
  /** Records exported so far. */
  readonly records: number
  /** Bytes written so far. */
  readonly bytes: number
}

/** Options of {@link exportLog}: which records are exported, and how. */
export interface ExportOptions extends LogFilter {
  /**
   * The output format.
   *
   * @defaultValue `'ndjson'`
   */
  readonly format?: LogFormat
  /**
   * `text`, `ansi`, `html`: prints tokens too.
   *
   * @defaultValue false
   */
  readonly tokens?: boolean
  /**
   * `otlp`: includes inputs, outputs and error messages.
   *
   * @defaultValue false
   */
  readonly content?: boolean
  /**
   * `otlp`: the `service.name`.
   *
   * @defaultValue `'unknown_service'`, as OpenTelemetry specifies
   */
  readonly service?: string
  /**
   * `html`: the title of the page.
   *
   * @defaultValue `'Log of runs'`
   */
  readonly title?: string
  /** Called after each chunk of about 16 KB. */
  readonly onProgress?: (progress: ExportProgress) => void
}

const EXPORT_CHUNK_CHARACTERS = 16_384

/**
 * Exports a log, or a part of it, as a stream of bytes, in the order in which the records were written.
 *
 * The log is read while the stream is read, so that an export needs little memory at any length of the log. Cancelling the stream stops the
 * export.
 *
 * @throws ChaintapError `invalid_options`, when called, for an unknown format
 * @example
 * const page = await new Response(exportLog(log, { format: 'html', level: 'info' })).blob()
 * const handle = await (await navigator.storage.getDirectory()).getFileHandle('log.ndjson', { create: true })
 * await exportLog(log).pipeTo(await handle.createWritable())
 */
export function exportLog(
  store: ReadableLog,
  { format = 'ndjson', tokens = false, content = false, service = 'unknown_service', title = 'Log of runs', ...rest }: ExportOptions = {},
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const load = Object.hasOwn(formatLoaders, format) ? formatLoaders[format] : undefined
  if (!load)
    throw new ChaintapError('invalid_options', `exportLog: unknown format ${String(format)}. Use ${Object.keys(formatLoaders).join(', ')}.`)
  const { onProgress, ...filter } = rest
  let records = 0
  const source: ExportSource = {
    read: (query) => readRecords(store, { ...filter, ...query }),
    countRecord: () => void records++,
    filter,
    tokens,
    content,
    service,
    title,
  }
  return streamFromBatches(async () => encodeChunks((await load())(source), (bytes) => onProgress?.({ records, bytes })))
}

/** Each format is a chunk of its own, loaded when it is used. */
const formatLoaders: Readonly<Record<LogFormat, () => Promise<LogFormatter>>> = {
  text: async () => (await import('./transcript.ts')).asText,
  ansi: async () => (await import('./transcript.ts')).asAnsi,
  html: async () => (await import('./html.ts')).asHtml,
  ndjson: async () => (await import('./ndjson.ts')).asNdjson,
  otlp: async () => (await import('./otlp.ts')).asOtlp,
}

/** Encodes texts as chunks of bytes; calls `onBytes` with the number of bytes written so far. */
async function* encodeChunks(
  texts: AsyncGenerator<string, void>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<readonly Uint8Array<ArrayBuffer>[], void> {
  const utf8 = new TextEncoder()
  let pending = ''
  let written = 0
  const takeChunk = (): readonly Uint8Array<ArrayBuffer>[] => {
    // Copied because the Workers types of encode() do not state the type of its buffer.
    const bytes = new Uint8Array(utf8.encode(pending))
    pending = ''
    onBytes((written += bytes.length))
    return [bytes]
  }
  for await (const text of texts) {
    pending += text
    if (pending.length >= EXPORT_CHUNK_CHARACTERS) yield takeChunk()
  }
  if (pending !== '') yield takeChunk()
}
