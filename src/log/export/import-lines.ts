import { ChaintapError } from '../../core/errors.ts'
import { decoder } from '../../core/json/decoder.ts'
import { parse } from '../../core/json/parse.ts'
import { parseJson } from '../../core/util/parse-json.ts'
import { levels } from '../level.ts'
import type { LogMessage, LogRecord } from '../record.ts'

/** Longer lines cannot be records, whose size is limited when they are written. */
const MAX_IMPORT_LINE_CHARACTERS = 67_108_864

/** A parsed line: a record, a header, or `undefined` for an empty line. */
export type ParsedLine = LogRecord | 'header' | undefined

/**
 * Returns a function that parses the lines of exports and shipped batches, to be called in their order.
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
    if (!decode) throw invalidLogError('expected the header {"chaintap":"log","version":1} first.')
    if (!/^\{(?:"id":"[^"]*",)?"run":/.test(line)) return parseLogMessage(parse(line))
    const { id: _id, ...event } = decode(line) as ReturnType<typeof decode> & { readonly id?: string }
    return event
  }
}

function assertLogHeader(line: string): void {
  const { chaintap, version } = Object(parseJson(line)) as { readonly chaintap?: unknown; readonly version?: unknown }
  if (chaintap !== 'log') throw invalidLogError('the header is not that of an exported log.')
  if (version !== 1) throw invalidLogError(`the log has version ${String(version)}, but this chaintap reads version 1. Update chaintap.`)
}

function parseLogMessage(value: unknown): LogMessage {
  const { level, at, category, message, properties } = Object(value) as { readonly [Field in keyof LogMessage]?: unknown }
  const isText = (text: unknown): boolean => typeof text === 'string'
  const invalidField =
    (!levels.some((name) => name === level) && 'level') ||
    (!Number.isFinite(at) && 'at') ||
    (!(Array.isArray(category) && category.every(isText)) && 'category') ||
    (!isText(message) && 'message') ||
    ((typeof properties !== 'object' || properties === null || Array.isArray(properties)) && 'properties')
  if (invalidField) throw invalidLogError(`it is neither a run event nor a free record: ${invalidField} is missing or invalid.`)
  return { level, at, category, message, properties } as LogMessage
}

/** Splits a stream into lines. */
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
      if (rest.length > MAX_IMPORT_LINE_CHARACTERS)
        throw invalidLogError(`the line is longer than ${MAX_IMPORT_LINE_CHARACTERS} characters.`)
    }
    yield rest + text()
  } finally {
    // A failed stream rejects cancel() with the error that read() has already thrown.
    await reader.cancel().catch(() => {})
  }
}

/** Returns a function that decodes bytes to text; called without an argument, it flushes. */
function createTextDecoder(): (piece?: Uint8Array | string) => string {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
  return (piece) => {
    if (typeof piece === 'string') return piece
    try {
      return utf8.decode(piece, { stream: piece !== undefined })
    } catch {
      throw invalidLogError('it is not valid UTF-8.')
    }
  }
}

const invalidLogError = (message: string): ChaintapError => new ChaintapError('invalid_log', message)
