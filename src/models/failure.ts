import { ChaintapError, ModelError, type ModelErrorFacts } from '../core/errors.ts'
import { follow } from '../core/signal.ts'
import { cleanCause } from './secrets.ts'
import type { Complaint } from './wire.ts'

/** Whom a call asked, and what must not be said of it. */
export interface Asked {
  /** The provider's name. */
  readonly name: string
  /** The address, without secrets. */
  readonly where: string
  redact(text: string): string
}

/** Enough for any provider's complaint. */
const ERROR_BODY_LIMIT = 16_384

/** A provider's refusal as an error: what it says is wrong, and what to do. The body is read no further than its message needs. */
export async function refusal(
  asked: Asked,
  response: Response,
  complaintIn: (body: unknown) => Complaint | undefined,
  signal: AbortSignal,
): Promise<ModelError> {
  const { status, headers } = response
  const text = await head(response, signal)
  const complaint = complaintIn(parsed(text))
  const said = complaint?.message ?? (text.trim().startsWith('{') ? '' : text)
  const facts = {
    status,
    providerType: complaint?.type,
    requestId: complaint?.requestId ?? headers.get('request-id') ?? headers.get('x-request-id') ?? undefined,
    retryAfterMs: retryAfterMs(headers),
  }
  return modelError('http', asked, `answered ${status}`, said, hintFor(status), facts)
}

/** A failure that the provider told of after it had begun with 200. */
export function complained(asked: Asked, { type, message = '', requestId }: Complaint): ModelError {
  const facts = { providerType: type, requestId }
  return modelError('wire', asked, 'failed in its answer', message, 'What arrived before was delivered.', facts)
}

/** An answer that is not what the provider's format promises. */
export function unreadable({ name, where }: Asked, what: string): ModelError {
  return new ModelError('wire', `${name} ${what}. Check that baseURL leads to ${name}: it is ${where}.`)
}

/** A connection that could not be made, or was lost. */
export function unreachable({ name, where, redact }: Asked, error: unknown, isLost = false): ChaintapError {
  const said = redact(error instanceof Error ? error.message : String(error))
  const what = isLost ? `The connection to ${name} was lost in the middle of its answer` : `Could not reach ${name} at ${where}`
  const hint = isLost
    ? 'What arrived before was delivered; ask again.'
    : 'Check the network and baseURL, and in a page that the host allows cross-origin requests (CORS).'
  return new ChaintapError('network', `${what}: ${said}. ${hint}`, { cause: cleanCause(error, redact) })
}

function modelError(
  code: 'http' | 'wire',
  asked: Asked,
  what: string,
  said: string,
  hint: string,
  { providerType, requestId, ...facts }: ModelErrorFacts,
): ModelError {
  const clean = (text: string | undefined): string | undefined => text && asked.redact(text).slice(0, 500)
  const [type, id] = [clean(providerType), clean(requestId)]
  const told = `${asked.name} ${what}${type ? ` (${type})` : ''}${said ? `: "${clean(said)}"` : ''}.`
  const parts = [told, hint, id && `Its request id is ${id}.`]
  return new ModelError(code, parts.filter(Boolean).join(' '), { ...facts, providerType: type, requestId: id })
}

const hints: Readonly<Record<number, string>> = {
  400: 'The request is not as the provider wants it.',
  401: 'Check the API key.',
  403: 'The API key may not do this.',
  404: 'Check the name of the model, and baseURL.',
  413: 'The request is too large: send less.',
  429: 'Too many requests: ask later, or raise maxRetries.',
  529: 'The provider is overloaded: ask later.',
}

const hintFor = (status: number): string => hints[status] ?? (status >= 500 ? 'The provider has a problem: ask again.' : '')

/** How long the headers ask to wait, in ms: `retry-after-ms`, or `retry-after` in seconds or as a date (RFC 9110 §10.2.3). */
function retryAfterMs(headers: Headers): number | undefined {
  const after = headers.get('retry-after')
  const given = [headers.get('retry-after-ms'), after && Number(after) * 1_000, after && Date.parse(after) - Date.now()]
  const ms = given
    .filter((value) => value !== null && value !== '')
    .map(Number)
    .find(Number.isFinite)
  return ms === undefined ? undefined : Math.max(0, ms)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The beginning of a body as text; the rest is not waited for. A body that breaks off has said what it said. */
async function head({ body }: Response, signal: AbortSignal): Promise<string> {
  if (!body) return ''
  const reader = body.getReader()
  const cancel = (reason?: unknown): void => void reader.cancel(reason).catch(() => {})
  const unfollow = follow(signal, cancel)
  const decoder = new TextDecoder()
  let text = ''
  try {
    while (text.length < ERROR_BODY_LIMIT) {
      const { done, value } = await reader.read()
      if (done) break
      text += decoder.decode(value, { stream: true })
    }
  } catch {
    // The status is what matters.
  }
  unfollow()
  cancel()
  return text
}
