import { ChaintapError } from '../../core/errors.ts'
import { decoder } from '../../core/json/decoder.ts'
import { parse } from '../../core/json/parse.ts'
import { parseJson } from '../../core/util/parse-json.ts'
import { levels } from '../level.ts'
import type { LogMessage, LogRecord } from '../record.ts'

/** A line longer than this is no record: those are bounded where they are written. */
const LONGEST = 67_108_864

/** What a line is: a record, the header of what follows, or nothing. */
export type Line = LogRecord | 'header' | undefined

/**
 * Makes what reads lines one after the other, as exports and shipments have them.
 *
 * @throws ChaintapError `invalid_log`, `invalid_json`
 */
export function lineReader(): (line: string) => Line {
  let decode: ReturnType<typeof decoder> | undefined
  return (line) => {
    if (line.trim() === '') return undefined
    if (line.startsWith('{"chaintap":')) {
      checkVersion(line)
      decode = decoder()
      return 'header'
    }
    if (!decode) throw invalid('an exported log begins with {"chaintap":"log","version":1}.')
    if (!/^\{(?:"id":"[^"]*",)?"run":/.test(line)) return messageOf(parse(line))
    const { id: _id, ...event } = decode(line) as ReturnType<typeof decode> & { readonly id?: string }
    return event
  }
}

function checkVersion(line: string): void {
  const { chaintap, version } = Object(parseJson(line)) as { readonly chaintap?: unknown; readonly version?: unknown }
  if (chaintap !== 'log') throw invalid('this header is not that of an exported log.')
  if (version !== 1) throw invalid(`the log has version ${String(version)}, and version 1 can be read: take a newer chaintap.`)
}

function messageOf(value: unknown): LogMessage {
  const { level, at, category, message, properties } = Object(value) as { readonly [Field in keyof LogMessage]?: unknown }
  const isText = (text: unknown): boolean => typeof text === 'string'
  const wrong =
    (!levels.some((name) => name === level) && 'level') ||
    (!Number.isFinite(at) && 'at') ||
    (!(Array.isArray(category) && category.every(isText)) && 'category') ||
    (!isText(message) && 'message') ||
    ((typeof properties !== 'object' || properties === null || Array.isArray(properties)) && 'properties')
  if (wrong) throw invalid(`it is no event of a run, and as a free record it has a wrong ${wrong}.`)
  return { level, at, category, message, properties } as LogMessage
}

/** The lines of a text that comes in pieces. */
export async function* linesOf(source: ReadableStream<Uint8Array | string>): AsyncGenerator<string, void> {
  const reader = source.getReader()
  const text = textDecoder()
  let rest = ''
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      const [first = '', ...more] = text(read.value).split('\n')
      const lines = [rest + first, ...more]
      rest = lines.pop() ?? ''
      yield* lines
      if (rest.length > LONGEST) throw invalid(`it is longer than ${LONGEST} characters.`)
    }
    yield rest + text()
  } finally {
    // Whoever leaves has its own reason, and a stream that has failed has told its.
    await reader.cancel().catch(() => {})
  }
}

/** Bytes to text; without any, what is left of them. */
function textDecoder(): (piece?: Uint8Array | string) => string {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
  return (piece) => {
    if (typeof piece === 'string') return piece
    try {
      return utf8.decode(piece, { stream: piece !== undefined })
    } catch {
      throw invalid('it is not UTF-8.')
    }
  }
}

const invalid = (what: string): ChaintapError => new ChaintapError('invalid_log', what)
