const LF = 10
const CR = 13
const QUOTE = 34
const BACKSLASH = 92
const OPEN = 123
const CLOSE = 125

/** How a body is made of events. It remembers where it is in the one that is going on. */
export interface Framing {
  /** Where this event ends, read on at `from`; -1 where it goes on behind `to`. */
  end(bytes: Uint8Array, from: number, to: number): number
  /** An event as text. */
  decode(event: Uint8Array): string
  /** Its JSON; empty where it has none. */
  data(event: string): string
}

/** How a body of that content type is framed; undefined where no model's answer comes so. */
export function framingOf(contentType: string | null): Framing | undefined {
  const type = (contentType ?? '').replace(/;.*/s, '').trim().toLowerCase()
  if (type === 'text/event-stream') return sse()
  if (/^application\/(x-)?(ndjson|jsonl|jsonlines|json-lines)$/.test(type)) return lines()
  if (type === 'application/vnd.amazon.eventstream') return frames()
  return /^application\/(.+\+)?json$/.test(type) ? json() : undefined
}

const decoder: TextDecoder = new TextDecoder()

const textOf = (bytes: Uint8Array): string => decoder.decode(bytes)

/** Server-sent events (HTML standard §9.2.6). */
function sse(): Framing {
  let [isLineStart, last] = [true, 0]
  return {
    end(bytes, from, to) {
      for (let at = from; at < to; at++) {
        const [byte = 0, before] = [bytes[at], last]
        last = byte
        // CRLF is one end of a line: its second half is of no account, wherever chunks are cut.
        if (byte === LF && before === CR) continue
        if (byte !== LF && byte !== CR) isLineStart = false
        else if (isLineStart) return at + 1
        else isLineStart = true
      }
      return -1
    },
    decode: textOf,
    data(event) {
      const lines = event.split(/\r\n|\r|\n/)
      const data = lines.filter((line) => /^data(:|$)/.test(line)).map((line) => line.slice(5).replace(/^ /, ''))
      // Gemini says an error in the middle of a stream as JSON and no event.
      return data.length > 0 ? data.join('\n') : (/^\s*(\{.*)/s.exec(event)?.[1] ?? '')
    },
  }
}

/** A JSON value per line. */
function lines(): Framing {
  return {
    end(bytes, from, to) {
      const end = bytes.subarray(from, to).indexOf(LF)
      return end < 0 ? -1 : from + end + 1
    },
    decode: textOf,
    data: (event) => event.trim(),
  }
}

/** One JSON object, or an array of them, as Gemini streams without `alt=sse`. */
function json(): Framing {
  let [depth, isString, isEscaped] = [0, false, false]
  return {
    end(bytes, from, to) {
      for (let at = from; at < to; at++) {
        const byte = bytes[at]
        if (isEscaped) isEscaped = false
        else if (isString && byte === BACKSLASH) isEscaped = true
        else if (byte === QUOTE) isString = !isString
        else if (isString) continue
        else if (byte === OPEN) depth++
        else if (byte === CLOSE && --depth <= 0) {
          depth = 0
          return at + 1
        }
      }
      return -1
    },
    decode: textOf,
    data: (event) => /\{.*/s.exec(event)?.[0] ?? '',
  }
}

/** Amazon's event stream: the length of a frame, that of its headers, a checksum; headers; the payload; a checksum. */
function frames(): Framing {
  let [seen, length] = [0, 0]
  return {
    end(bytes, from, to) {
      let at = from
      for (; seen < 4 && at < to; at++, seen++) length = length * 256 + (bytes[at] ?? 0)
      const end = at + length - seen
      seen += to - at
      if (seen < Math.max(4, length)) return -1
      // No frame is shorter than what it says of itself: this is something else.
      const isFrame = length >= 16
      seen = 0
      length = 0
      return isFrame ? end : to
    },
    decode: frameText,
    data: (event) => event,
  }
}

/** A frame as JSON: its payload by the name of the event; what it wraps, where it is InvokeModel's; an exception as an error. */
function frameText(frame: Uint8Array): string {
  const headersEnd = 12 + new DataView(frame.buffer, frame.byteOffset, frame.length).getUint32(4)
  const headers = headersOf(frame.subarray(12, headersEnd))
  const payload = textOf(frame.subarray(headersEnd, -4))
  const type = headers[':event-type']
  if (type === undefined || headers[':message-type'] !== 'event') return `{"error":${payload || '{}'}}`
  const wrapped = type === 'chunk' ? /"bytes":"([^"]*)"/.exec(payload)?.[1] : undefined
  if (wrapped === undefined) return `{${JSON.stringify(type)}:${payload}}`
  return textOf(Uint8Array.from(atob(wrapped), (char) => char.charCodeAt(0)))
}

/** All of them are text: a name, its length before it in one byte; the type of text, 7; a value, its length before it in two. */
function headersOf(bytes: Uint8Array): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {}
  for (let at = 0; at < bytes.length; ) {
    const nameEnd = at + 1 + (bytes[at] ?? 0)
    const valueEnd = nameEnd + 3 + (bytes[nameEnd + 1] ?? 0) * 256 + (bytes[nameEnd + 2] ?? 0)
    headers[textOf(bytes.subarray(at + 1, nameEnd))] = textOf(bytes.subarray(nameEnd + 3, valueEnd))
    at = valueEnd
  }
  return headers
}
