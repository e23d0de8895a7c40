import { ChaintapError } from '../core/errors.ts'

/** One scripted HTTP response, and what shall go wrong with it. */
export interface FaultyAnswer {
  /** Default 200. */
  readonly status?: number
  /** `content-type` is told from the body where it is not given: `application/json` for what begins with `{` or `[`, else `text/event-stream`. */
  readonly headers?: Readonly<Record<string, string>>
  /** In an array each item is a chunk, unless `split` says otherwise. Default: empty. */
  readonly body?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** Cuts the body anew: into chunks of so many bytes, of one byte, or of one SSE event. */
  readonly split?: number | 'bytes' | 'events'
  /** Before each chunk, in ms. Default 0. */
  readonly delayMs?: number
  /** After so many bytes of the body the socket breaks: reading fails with a TypeError, as fetch has it. */
  readonly dropAfter?: number
  /** After so many bytes the body ends, cleanly. */
  readonly truncateAfter?: number
  /** After so many bytes nothing more comes, until `until` settles. */
  readonly stallAfter?: number | undefined
  /** No headers come, until `until` settles. */
  readonly stallBeforeHeaders?: boolean
  /** Ends a stall. Default: nothing does. */
  readonly until?: PromiseLike<unknown> | undefined
  /** The call rejects with it. */
  readonly errorBefore?: Error
  /** Ignores the request's signal: only cancelling the body closes it. */
  readonly deaf?: boolean
  /** Makes every line end CRLF. */
  readonly crlf?: boolean
  /** Puts a byte order mark first. It counts as bytes of the body. */
  readonly bom?: boolean
}

type ChunkBytes = Uint8Array<ArrayBuffer>

/** What a body does at one pull. */
export type BodyStep = ChunkBytes | 'stall' | 'drop'

const scriptEncoder: TextEncoder = new TextEncoder()

/** The pulls of a body: its chunks, and where it stalls or breaks among them. */
export function bodySteps({ body = '', split, crlf, bom, dropAfter, truncateAfter, stallAfter }: FaultyAnswer): readonly BodyStep[] {
  const given = Array.isArray(body) ? (body as readonly (string | Uint8Array)[]) : [body as string | Uint8Array]
  const whole = [...(bom ? ['\uFEFF'] : []), ...given].map((chunk) => toChunkBytes(chunk, crlf))
  const chunks = split === undefined ? whole : splitBytes(joinChunks(whole), split)
  const end = Math.min(truncateAfter ?? Number.POSITIVE_INFINITY, dropAfter ?? Number.POSITIVE_INFINITY)
  const [kept] = splitAtByte(chunks, end)
  const [before, after] = splitAtByte(kept, stallAfter ?? Number.POSITIVE_INFINITY)
  return [...before, ...(stallAfter === undefined ? [] : ['stall' as const]), ...after, ...(end === dropAfter ? ['drop' as const] : [])]
}

/** The headers of an answer, its content type among them. */
export function answerHeaders({ headers = {}, body = '' }: FaultyAnswer): Headers {
  const all = new Headers(headers)
  const [first] = Array.isArray(body) ? body : [body]
  const isJson = /^[{[]/.test(typeof first === 'string' ? first : String.fromCharCode(first?.[0] ?? 0))
  if (!all.has('content-type')) all.set('content-type', isJson ? 'application/json' : 'text/event-stream; charset=utf-8')
  return all
}

/** A copy: whoever reads a chunk may transfer its buffer, and a script may be played again. */
function toChunkBytes(chunk: string | Uint8Array, crlf = false): ChunkBytes {
  const bytes = Uint8Array.from(typeof chunk === 'string' ? scriptEncoder.encode(chunk) : chunk)
  if (!crlf) return bytes
  return Uint8Array.from(Array.from(bytes).flatMap((byte, i) => (byte === 10 && bytes[i - 1] !== 13 ? [13, 10] : [byte])))
}

function splitBytes(bytes: ChunkBytes, split: number | 'bytes' | 'events'): readonly ChunkBytes[] {
  if (split === 'events') return splitAtEvents(bytes)
  const size = split === 'bytes' ? 1 : split
  if (!(size >= 1)) throw new ChaintapError('invalid_options', `split must be at least 1 byte, 'bytes' or 'events', but is ${split}.`)
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.slice(i * size, (i + 1) * size))
}

function splitAtEvents(bytes: ChunkBytes): readonly ChunkBytes[] {
  // A character per byte, so that lengths of text are lengths of bytes.
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  let at = 0
  return (text.match(/.+?(?:\r\n\r\n|\n\n|\r\r|$)/gs) ?? []).map((event) => bytes.slice(at, (at += event.length)))
}

/** What comes within the first `limit` bytes, and the rest. */
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
