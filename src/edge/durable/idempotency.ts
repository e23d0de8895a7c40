import { idFactory } from '../../core/util/id.ts'

/** The field by which a call is known when it is repeated (draft-ietf-httpapi-idempotency-key-header). */
const IDEMPOTENCY_HEADER = 'idempotency-key'

/** The draft has it as a string in quotes, and many clients leave them out. What is shorter can be guessed. */
const idempotencyKeyPattern = /^(?:"([!#-[\]-~]{16,255})"|([!#-[\]-~]{16,255}))$/

export const INVALID_KEY_MESSAGE = 'An Idempotency-Key has 16 to 255 visible ASCII characters that nobody can guess, such as a UUID.'

/** Undefined where a request has none, or none of this form. */
export function readIdempotencyKey({ headers }: Request): string | undefined {
  const [, quoted, bare] = idempotencyKeyPattern.exec(headers.get(IDEMPOTENCY_HEADER) ?? '') ?? []
  return quoted ?? bare
}

/**
 * The id of the run that a call starts: a new one, or that of its key, so that whoever repeats the call comes to the same object. Undefined
 * where the key is none.
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

/** The cookie of a run that was started with a key: who repeats the call may never have got the first one. */
export async function idempotencyCookie(request: Request): Promise<string | undefined> {
  const key = readIdempotencyKey(request)
  // Whoever says who they are shares no run with who says something else, or nothing.
  return key === undefined ? undefined : sha256Hex(`cookie ${key} ${request.headers.get('authorization') ?? ''}`)
}

/** What is kept of a secret, or of a long text: enough to know it again. */
export async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
