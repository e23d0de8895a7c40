import { ChaintapError } from '../../core/errors.ts'
import { decoder } from '../../core/json/decoder.ts'
import { parse } from '../../core/json/parse.ts'
import { parseJson } from '../../core/util/parse-json.ts'
import { levels } from '../level.ts'
import type { LogMessage, LogRecord } from '../record.ts'

/** A line longer than this is no record: those are bounded where they are written. */
const MAX_IMPORT_LINE_CHARACTERS = 67_108_864

/** What a line is: a record, the header of what follows, or nothing. */
export type ParsedLine = LogRecord | 'header' | undefined

/**
 * Makes what reads lines one after the other, as exports and shipments have them.
 *
 * @throws ChaintapError `invalid_log`, `invalid_json`
 */
export function createLineParser(): (line: string) => ParsedLine {
  let decode: ReturnType<typeof decoder> | undefined
  return (line) => {
    if (line.trim() === '') return undefined
    if (line.startsWith('{"chaintap":')) {
      assertLogHeader(line)
      decode = decoder()
      return 'header'
    }
    if (!decode) throw invalidLogError('an exported log begins with {"chaintap":"log","version":1}.')
    if (!/^\{(?:"id":"[^"]*",)?"run":/.test(line)) return parseLogMessage(parse(line))
    const { id: _id, ...event } = decode(line) as ReturnType<typeof decode> & { readonly id?: string }
    return event
  }
}

function assertLogHeader(line: string): void {
  const { chaintap, version } = Object(parseJson(line)) as { readonly chaintap?: unknown; readonly version?: unknown }
  if (chaintap !== 'log') throw invalidLogError('this header is not that of an exported log.')
  if (version !== 1) throw invalidLogError(`the log has version ${String(version)}, and version 1 can be read: take a newer chaintap.`)
}

function parseLogMessage(value: unknown): LogMessage {
  const { level, at, category, message, properties } = Object(value) as { readonly [Field in keyof LogMessage]?: unknown }
  const isText = (text: unknown): boolean => typeof text === 'string'
  const wrong =
    (!levels.some((name) => name === level) && 'level') ||
    (!Number.isFinite(at) && 'at') ||
    (!(Array.isArray(category) && category.every(isText)) && 'category') ||
    (!isText(message) && 'message') ||
    ((typeof properties !== 'object' || properties === null || Array.isArray(properties)) && 'properties')
  if (wrong) throw invalidLogError(`it is no event of a run, and as a free record it has a wrong ${wrong}.`)
  return { level, at, category, message, properties } as LogMessage
}

/** The lines of a text that comes in pieces. */
export async function* splitLines(source: ReadableStream<Uint8Array | string>): AsyncGenerator<string, void> {
  const reader = source.getReader()
  const text = createTextDecoder()
  let rest = ''
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      const [first = '', ...more] = text(read.value).split('\n')
      const lines = [rest + first, ...more]
      rest = lines.pop() ?? ''
      yield* lines
      if (rest.length > MAX_IMPORT_LINE_CHARACTERS) throw invalidLogError(`it is longer than ${MAX_IMPORT_LINE_CHARACTERS} characters.`)
    }
    yield rest + text()
  } finally {
    // Whoever leaves has its own reason, and a stream that has failed has told its.
    await reader.cancel().catch(() => {})
  }
}

/** Bytes to text; without any, what is left of them. */
function createTextDecoder(): (piece?: Uint8Array | string) => string {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
  return (piece) => {
    if (typeof piece === 'string') return piece
    try {
      return utf8.decode(piece, { stream: piece !== undefined })
    } catch {
      throw invalidLogError('it is not UTF-8.')
    }
  }
}

const invalidLogError = (what: string): ChaintapError => new ChaintapError('invalid_log', what)
