import type { RunOptions } from '../../core/options.ts'
import { isRecord } from '../../core/util/is-record.ts'
import { parseJson } from '../../core/util/parse-json.ts'
import { MAX_TIMER_MS } from '../../core/util/signal.ts'

/** The run options that a caller may set. */
export type CallerOptions = Pick<RunOptions, 'tags' | 'metadata' | 'runName'>

/** Error for a body that no supported client sends. */
export const MISSING_INPUT_MESSAGE = 'The body must be a JSON object with an input: { "input": … }.'

/** Creates an error response with the JSON `{ error }`. */
export function createRefusal(
  status: number,
  error: string,
  headers: Readonly<Record<string, string>> = {},
): { readonly refusal: Response } {
  return { refusal: Response.json({ error }, { status, headers }) }
}

/** A request's body, or the response that refuses it. */
export type JsonBodyResult = { readonly body: Readonly<Record<string, unknown>> } | { readonly refusal: Response }

/** How much of a body is read. */
export interface BodyLimits {
  readonly maxBytes: number
  /** Longest pause, in ms; 0 for no limit. */
  readonly bodyIdleMs: number
}

/** The whole body may take this many times its longest pause: a client that sends single bytes is refused, too. */
const MAX_BODY_PAUSES = 12

/** Reads the JSON object that a `POST` request contains. */
export async function readJsonBody(request: Request, limits: BodyLimits): Promise<JsonBodyResult> {
  if (request.method !== 'POST') return createRefusal(405, `Method ${request.method} is not allowed: use POST.`, { allow: 'POST' })
  const refusal = refuseUnlessJson(request)
  if (refusal) return refusal
  const text = await readBodyText(request, limits)
  if (text === 413) return createRefusal(413, `The body is too large: the limit is ${limits.maxBytes} bytes.`)
  if (text === 408) return createRefusal(408, 'The body did not arrive in time.')
  const body = parseJson(text)
  return isRecord(body) ? { body } : createRefusal(400, MISSING_INPUT_MESSAGE)
}

/**
 * Refuses any content type but JSON. Pages of other origins, also of the same site, may send forms and plain text with the user's cookies
 * and without a CORS preflight, but not JSON.
 */
export function refuseUnlessJson({ headers }: Request): { readonly refusal: Response } | undefined {
  const type = headers.get('content-type') ?? 'missing'
  return /^application\/json\s*(;|$)/i.test(type)
    ? undefined
    : createRefusal(415, `The content-type must be application/json; received ${type}.`)
}

/** Reads the body as text; returns the status of the limit that it exceeds, whatever `content-length` says. */
async function readBodyText(request: Request, { maxBytes, bodyIdleMs }: BodyLimits): Promise<string | 408 | 413> {
  const deadline = Date.now() + bodyIdleMs * MAX_BODY_PAUSES
  // Firefox has no Request.body, so its service workers read the whole body first.
  const stream = request.body ?? (await inTime(request.blob(), bodyIdleMs && deadline - Date.now()))?.stream()
  if (!stream) return 408
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  let text = ''
  for (let bytes = 0; ; ) {
    const read = await inTime(reader.read(), Math.min(bodyIdleMs, Math.max(1, deadline - Date.now())))
    if (read?.done) return text + decoder.decode()
    bytes += read?.value.byteLength ?? 0
    if (!read || bytes > maxBytes) {
      // Not awaited: a client that does not send may not close either.
      void reader.cancel().catch(() => {})
      return read ? 413 : 408
    }
    text += decoder.decode(read.value, { stream: true })
  }
}

/** Resolves to undefined if `work` takes longer than `ms`; 0 for no limit. */
function inTime<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  if (ms <= 0) return work
  const { promise, resolve, reject } = Promise.withResolvers<T | undefined>()
  const timer = setTimeout(resolve, Math.min(ms, MAX_TIMER_MS))
  work.then(resolve, reject)
  return promise.finally(() => clearTimeout(timer))
}

/** Returns the valid options that a caller may set, without any others. */
export function parseCallerOptions(options: unknown): CallerOptions {
  const { tags, metadata, runName } = isRecord(options) ? options : {}
  return {
    ...(Array.isArray(tags) && { tags: tags.filter((tag) => typeof tag === 'string') }),
    ...(isRecord(metadata) && { metadata }),
    ...(typeof runName === 'string' && { runName }),
  }
}
