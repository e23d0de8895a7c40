import { ChaintapError } from '../core/errors.ts'

/** One scripted HTTP response and its faults. */
export interface FaultyAnswer {
  /**
   * The HTTP status.
   *
   * @defaultValue 200
   */
  readonly status?: number
  /**
   * The headers. A missing `content-type` is derived from the body: `application/json` if it begins with `{` or `[`, otherwise
   * `text/event-stream`.
   */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * The body. Each item of an array is a chunk, unless `split` is set.
   *
   * @defaultValue ''
   */
  readonly body?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** Cuts the whole body into chunks: of this many bytes, of one byte, or of one server-sent event. */
  readonly split?: number | 'bytes' | 'events'
  /**
   * The delay before each chunk, in ms.
   *
   * @defaultValue 0
   */
  readonly delayMs?: number
  /** The socket breaks after this many bytes of the body: reading fails with a TypeError, as with fetch. */
  readonly dropAfter?: number
  /** The body ends without an error after this many bytes. */
  readonly truncateAfter?: number
  /** The body stalls after this many bytes, until `until` settles. */
  readonly stallAfter?: number | undefined
  /** The headers are withheld until `until` settles. */
  readonly stallBeforeHeaders?: boolean
  /** Ends a stall when it settles. If absent, a stall never ends. */
  readonly until?: PromiseLike<unknown> | undefined
  /** The call rejects with this error. */
  readonly errorBefore?: Error
  /** Ignores the request's signal: only cancelling the body closes the connection. */
  readonly deaf?: boolean
  /** Converts every line end to CRLF. */
  readonly crlf?: boolean
  /** Puts a byte order mark before the body. It counts as bytes of the body. */
  readonly bom?: boolean
}

type ChunkBytes = Uint8Array<ArrayBuffer>

/** What one pull of a body does: returns a chunk, stalls, or breaks the connection. */
export type BodyStep = ChunkBytes | 'stall' | 'drop'

const scriptEncoder: TextEncoder = new TextEncoder()

/** Returns the steps of a body, one per pull. */
export function bodySteps({ body = '', split, crlf, bom, dropAfter, truncateAfter, stallAfter }: FaultyAnswer): readonly BodyStep[] {
  const parts = Array.isArray(body) ? (body as readonly (string | Uint8Array)[]) : [body as string | Uint8Array]
  const whole = [...(bom ? ['\uFEFF'] : []), ...parts].map((chunk) => toChunkBytes(chunk, crlf))
  const chunks = split === undefined ? whole : splitBytes(joinChunks(whole), split)
  const end = Math.min(truncateAfter ?? Number.POSITIVE_INFINITY, dropAfter ?? Number.POSITIVE_INFINITY)
  const [sent] = splitAtByte(chunks, end)
  const [before, after] = splitAtByte(sent, stallAfter ?? Number.POSITIVE_INFINITY)
  return [...before, ...(stallAfter === undefined ? [] : ['stall' as const]), ...after, ...(end === dropAfter ? ['drop' as const] : [])]
}

/** Returns the headers of a response, including its content type. */
export function answerHeaders({ headers = {}, body = '' }: FaultyAnswer): Headers {
  const all = new Headers(headers)
  const [first] = Array.isArray(body) ? body : [body]
  const isJson = /^[{[]/.test(typeof first === 'string' ? first : String.fromCharCode(first?.[0] ?? 0))
  if (!all.has('content-type')) all.set('content-type', isJson ? 'application/json' : 'text/event-stream; charset=utf-8')
  return all
}

/** Copies a chunk, because a reader may transfer its buffer and a script may be used again. */
function toChunkBytes(chunk: string | Uint8Array, crlf = false): ChunkBytes {
  const bytes = Uint8Array.from(typeof chunk === 'string' ? scriptEncoder.encode(chunk) : chunk)
  if (!crlf) return bytes
  return Uint8Array.from(Array.from(bytes).flatMap((byte, i) => (byte === 10 && bytes[i - 1] !== 13 ? [13, 10] : [byte])))
}

function splitBytes(bytes: ChunkBytes, split: number | 'bytes' | 'events'): readonly ChunkBytes[] {
  if (split === 'events') return splitAtEvents(bytes)
  const size = split === 'bytes' ? 1 : split
  if (!(size >= 1))
    throw new ChaintapError('invalid_options', `faultyFetch: split must be a number of at least 1, 'bytes' or 'events', but is ${split}.`)
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.slice(i * size, (i + 1) * size))
}

function splitAtEvents(bytes: ChunkBytes): readonly ChunkBytes[] {
  // One character per byte, so that a length of text is a length of bytes.
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  let at = 0
  return (text.match(/.+?(?:\r\n\r\n|\n\n|\r\r|$)/gs) ?? []).map((event) => bytes.slice(at, (at += event.length)))
}

/** Divides chunks into the first `limit` bytes and the rest. */
function splitAtByte(chunks: readonly ChunkBytes[], limit: number): readonly [readonly ChunkBytes[], readonly ChunkBytes[]] {
  let left = limit
  const halves = chunks.map((chunk) => {
    const cut = Math.min(chunk.length, left)
    left -= cut
    return [chunk.slice(0, cut), chunk.slice(cut)] as const
  })
  const some = (chunk: ChunkBytes): boolean => chunk.length > 0
  return [halves.map(([before]) => before).filter(some), halves.map(([, after]) => after).filter(some)]
}

function joinChunks(chunks: readonly ChunkBytes[]): ChunkBytes {
  const all = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}
