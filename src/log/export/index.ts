import { ChaintapError } from '../../core/errors.ts'
import { streamFromBatches } from '../pipeline/batch-stream.ts'
import { type ReadableLog, readRecords } from '../read-records.ts'
import type { LogFilter } from '../record.ts'
import type { ExportSource, LogFormatter } from './formatter.ts'

export { type ImportOptions, type ImportProgress, importLog } from './import.ts'

/**
 * - `text`: what LangChain's handlers print, without colours
 * - `ansi`: the same in colours: the file that its FileCallbackHandler and a logger beside it would have written
 * - `html`: a page of its own, without scripts and without requests
 * - `ndjson`: every record as a line, for {@link importLog}; nothing is lost
 * - `otlp`: run trees as traces for OpenTelemetry: lines of TracesData in OTLP/JSON, which is what a collector's `/v1/traces` takes
 */
export type LogFormat = 'text' | 'ansi' | 'html' | 'ndjson' | 'otlp'

/** What has been exported so far. */
export interface ExportProgress {
  readonly records: number
  readonly bytes: number
}

/** Options of {@link exportLog}: which records, and how. */
export interface ExportOptions extends LogFilter {
  readonly format?: LogFormat
  /** Prints what models say, too: for `text`, `ansi` and `html`. Default false. */
  readonly tokens?: boolean
  /** Of `otlp`: what went in and came out, and what errors say, too. Default false. */
  readonly content?: boolean
  /** Of `otlp`: the `service.name`. Default `unknown_service`, as OpenTelemetry has it. */
  readonly service?: string
  /** Of the page. Default `Log of runs`. */
  readonly title?: string
  /** Told after each piece, of some 16 KB. */
  readonly onProgress?: (progress: ExportProgress) => void
}

const EXPORT_CHUNK_CHARACTERS = 16_384

/**
 * A log, or a part of it, as bytes, in the order in which it was written. It is read page by page as the stream is, so that a log of any
 * length takes little memory; cancelling stops it.
 *
 * @throws ChaintapError `invalid_options`, when called, for a format that there is none of
 * @example
 * const page = await new Response(exportLog(store, { format: 'html', runId })).blob()
 * await exportLog(store).pipeTo(await fileHandle.createWritable())
 */
export function exportLog(
  store: ReadableLog,
  { format = 'ndjson', tokens = false, content = false, service = 'unknown_service', title = 'Log of runs', ...rest }: ExportOptions = {},
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const load = Object.hasOwn(formatLoaders, format) ? formatLoaders[format] : undefined
  if (!load)
    throw new ChaintapError('invalid_options', `There is no format ${String(format)}: give ${Object.keys(formatLoaders).join(', ')}.`)
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

/** Whoever only logs loads none of them. */
const formatLoaders: Readonly<Record<LogFormat, () => Promise<LogFormatter>>> = {
  text: async () => (await import('./transcript.ts')).asText,
  ansi: async () => (await import('./transcript.ts')).asAnsi,
  html: async () => (await import('./html.ts')).asHtml,
  ndjson: async () => (await import('./ndjson.ts')).asNdjson,
  otlp: async () => (await import('./otlp.ts')).asOtlp,
}

/** Texts as bytes, some thousand at a time. */
async function* encodeChunks(
  texts: AsyncGenerator<string, void>,
  told: (bytes: number) => void,
): AsyncGenerator<readonly Uint8Array<ArrayBuffer>[], void> {
  const utf8 = new TextEncoder()
  let piece = ''
  let written = 0
  const cut = (): readonly Uint8Array<ArrayBuffer>[] => {
    // A copy, as the types of Workers do not say whose memory it is.
    const bytes = new Uint8Array(utf8.encode(piece))
    piece = ''
    told((written += bytes.length))
    return [bytes]
  }
  for await (const text of texts) {
    piece += text
    if (piece.length >= EXPORT_CHUNK_CHARACTERS) yield cut()
  }
  if (piece !== '') yield cut()
}
