import { idFactory } from '../../core/util/id.ts'

/** Identifies a repeated request (draft-ietf-httpapi-idempotency-key-header). */
const IDEMPOTENCY_HEADER = 'idempotency-key'

/** The draft specifies a quoted string; many clients omit the quotes. A shorter key could be guessed. */
const idempotencyKeyPattern = /^(?:"([!#-[\]-~]{16,255})"|([!#-[\]-~]{16,255}))$/

export const INVALID_KEY_MESSAGE = 'The Idempotency-Key must have 16 to 255 visible ASCII characters and be unguessable, e.g. a UUID.'

/** Returns the key of a request; undefined if it has none or an invalid one. */
export function readIdempotencyKey({ headers }: Request): string | undefined {
  const [, quoted, bare] = idempotencyKeyPattern.exec(headers.get(IDEMPOTENCY_HEADER) ?? '') ?? []
  return quoted ?? bare
}

/**
 * Returns the id of the run that a request starts: derived from its key, so that a repeated request reaches the same object, or else
 * random. Returns undefined if the key is invalid.
 */
export async function runIdForRequest(request: Request): Promise<string | undefined> {
  if (!request.headers.has(IDEMPOTENCY_HEADER)) return idFactory()()
  const key = readIdempotencyKey(request)
  if (key === undefined) return undefined
  // UUIDv8 (RFC 9562 §5.8).
  const hex = await sha256Hex(`run ${key}`)
  const variant = '89ab'[Number.parseInt(hex.charAt(16), 16) & 3]
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** Derives the cookie of a run from the key of its request: a client that repeats the request may not have received the first response. */
export async function idempotencyCookie(request: Request): Promise<string | undefined> {
  const key = readIdempotencyKey(request)
  // Requests with different credentials must not share a run.
  return key === undefined ? undefined : sha256Hex(`cookie ${key} ${request.headers.get('authorization') ?? ''}`)
}

/** Hashes a secret or a long text, to recognise it without storing it. */
export async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
