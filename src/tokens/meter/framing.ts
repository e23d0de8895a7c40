const LF = 10
const CR = 13
const JSON_QUOTE_BYTE = 34
const JSON_BACKSLASH_BYTE = 92
const SPACE = 32
const OPEN_BRACKET_BYTE = 91
const OPEN_BRACE_BYTE = 123
const CLOSE_BRACE_BYTE = 125

/** Splits a body into events. It keeps its position in the current event between calls. */
export interface Framing {
  /** Whether the body is one answer of JSON, or a list of its parts, not a stream of events. */
  readonly isWhole: boolean
  /** Returns where the current event ends, continuing at `from`; -1 if it does not end before `to`. */
  findEventEnd(bytes: Uint8Array, from: number, to: number): number
  /** Decodes an event to text. */
  decode(event: Uint8Array): string
  /** Returns the JSON of an event; empty if it has none. */
  extractJson(event: string): string
}

/**
 * Returns the framing of a content type; undefined if no model's answer has that type. For a model's URL (`isCall`), the body decides
 * between JSON and server-sent events: some servers send no type, or the wrong one.
 */
export function framingForContentType(contentType: string | null, isCall: boolean): Framing | undefined {
  const type = (contentType ?? '').replace(/;.*/s, '').trim().toLowerCase()
  if (/^application\/(x-)?(ndjson|jsonl|jsonlines|json-lines)$/.test(type)) return jsonLinesFraming()
  if (type === 'application/vnd.amazon.eventstream') return amazonFraming()
  const isJson = /^application\/(.+\+)?json$/.test(type)
  const isText = isJson || /^(text\/(event-stream|plain)|application\/octet-stream|)$/.test(type)
  if (isCall) return isText ? detectedFraming() : undefined
  return type === 'text/event-stream' ? sseFraming() : isJson ? jsonFraming() : undefined
}

/** JSON if the body begins as an object or an array, otherwise server-sent events. */
function detectedFraming(): Framing {
  let framing: Framing | undefined
  const known = (): Framing => (framing ??= sseFraming())
  return {
    get isWhole() {
      return known().isWhole
    },
    findEventEnd(bytes, from, to) {
      const start = framing ? from : bytes.subarray(from, to).findIndex((byte) => byte > SPACE) + from
      // Only white space so far.
      if (start < from) return -1
      framing ??= bytes[start] === OPEN_BRACE_BYTE || bytes[start] === OPEN_BRACKET_BYTE ? jsonFraming() : sseFraming()
      return framing.findEventEnd(bytes, from, to)
    },
    decode: (event) => known().decode(event),
    extractJson: (event) => known().extractJson(event),
  }
}

const utf8Decoder: TextDecoder = new TextDecoder()

const decodeUtf8 = (bytes: Uint8Array): string => utf8Decoder.decode(bytes)

/** Server-sent events (HTML standard §9.2.6). */
function sseFraming(): Framing {
  let [isLineStart, last] = [true, 0]
  return {
    isWhole: false,
    findEventEnd(bytes, from, to) {
      for (let at = from; at < to; at++) {
        const [byte = 0, before] = [bytes[at], last]
        last = byte
        // CRLF is one line break: its LF is skipped, also if a chunk ends in between.
        if (byte === LF && before === CR) continue
        if (byte !== LF && byte !== CR) isLineStart = false
        else if (isLineStart) return at + 1
        else isLineStart = true
      }
      return -1
    },
    decode: decodeUtf8,
    extractJson(event) {
      const lines = event.split(/\r\n|\r|\n/)
      const data = lines.filter((line) => /^data(:|$)/.test(line)).map((line) => line.slice(5).replace(/^ /, ''))
      // Gemini sends an error in the middle of a stream as plain JSON, not as an event.
      return data.length > 0 ? data.join('\n') : (/^\s*(\{.*)/s.exec(event)?.[1] ?? '')
    },
  }
}

/** One JSON value per line. */
function jsonLinesFraming(): Framing {
  return {
    isWhole: false,
    findEventEnd(bytes, from, to) {
      const end = bytes.subarray(from, to).indexOf(LF)
      return end < 0 ? -1 : from + end + 1
    },
    decode: decodeUtf8,
    extractJson: (event) => event.trim(),
  }
}

/** One JSON object, or an array of them, as Gemini streams without `alt=sse`. */
function jsonFraming(): Framing {
  let [depth, isString, isEscaped] = [0, false, false]
  return {
    isWhole: true,
    findEventEnd(bytes, from, to) {
      for (let at = from; at < to; at++) {
        const byte = bytes[at]
        if (isEscaped) isEscaped = false
        else if (isString && byte === JSON_BACKSLASH_BYTE) isEscaped = true
        else if (byte === JSON_QUOTE_BYTE) isString = !isString
        else if (isString) continue
        else if (byte === OPEN_BRACE_BYTE) depth++
        else if (byte === CLOSE_BRACE_BYTE && --depth <= 0) {
          depth = 0
          return at + 1
        }
      }
      return -1
    },
    decode: decodeUtf8,
    extractJson: (event) => /\{.*/s.exec(event)?.[0] ?? '',
  }
}

/** Amazon's event stream. A frame: its length, the length of its headers, a checksum; headers; payload; a checksum. */
function amazonFraming(): Framing {
  let [seen, length] = [0, 0]
  return {
    isWhole: false,
    findEventEnd(bytes, from, to) {
      let at = from
      for (; seen < 4 && at < to; at++, seen++) length = length * 256 + (bytes[at] ?? 0)
      const end = at + length - seen
      seen += to - at
      if (seen < Math.max(4, length)) return -1
      // A frame has at least 16 bytes, so this is another format.
      const isFrame = length >= 16
      seen = 0
      length = 0
      return isFrame ? end : to
    },
    decode: amazonFrameToJson,
    extractJson: (event) => event,
  }
}

/** Converts a frame to JSON: the payload under the event's name; the wrapped JSON for InvokeModel; `error` for an exception. */
function amazonFrameToJson(frame: Uint8Array): string {
  const headersEnd = 12 + new DataView(frame.buffer, frame.byteOffset, frame.length).getUint32(4)
  const headers = parseAmazonHeaders(frame.subarray(12, headersEnd))
  const payload = decodeUtf8(frame.subarray(headersEnd, -4))
  const type = headers[':event-type']
  if (type === undefined || headers[':message-type'] !== 'event') return `{"error":${payload || '{}'}}`
  const wrapped = type === 'chunk' ? /"bytes":"([^"]*)"/.exec(payload)?.[1] : undefined
  if (wrapped === undefined) return `{${JSON.stringify(type)}:${payload}}`
  return decodeUtf8(Uint8Array.from(atob(wrapped), (char) => char.charCodeAt(0)))
}

/** Parses headers, all of them text: 1 byte length, name, 1 byte type (7, text), 2 bytes length, value. */
function parseAmazonHeaders(bytes: Uint8Array): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {}
  for (let at = 0; at < bytes.length; ) {
    const nameEnd = at + 1 + (bytes[at] ?? 0)
    const valueEnd = nameEnd + 3 + (bytes[nameEnd + 1] ?? 0) * 256 + (bytes[nameEnd + 2] ?? 0)
    headers[decodeUtf8(bytes.subarray(at + 1, nameEnd))] = decodeUtf8(bytes.subarray(nameEnd + 3, valueEnd))
    at = valueEnd
  }
  return headers
}
