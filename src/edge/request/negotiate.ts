import type { ResponseFormat } from '../response/format.ts'

/**
 * The client protocol of a body: chaintap's has an `input`; `useChat`, AG-UI and OpenAI clients send `messages`, each in a form of its own.
 */
export type ClientProtocol = 'input' | 'ui-message' | 'ag-ui' | 'openai'

/** Returns the protocol of a body; undefined if no supported client sends it. */
export function detectProtocol(body: Readonly<Record<string, unknown>>): ClientProtocol | undefined {
  if ('input' in body) return 'input'
  if (!Array.isArray(body.messages)) return undefined
  if (body.messages.some((message) => Array.isArray(Object(message).parts))) return 'ui-message'
  return typeof body.threadId === 'string' && typeof body.runId === 'string' ? 'ag-ui' : 'openai'
}

const mediaTypesByFormat: Readonly<Partial<Record<ResponseFormat, readonly string[]>>> = {
  events: ['text/event-stream'],
  text: ['text/plain'],
  ndjson: ['application/x-ndjson', 'application/ndjson', 'application/jsonl'],
}

/**
 * Chooses the format of the response: the best that `Accept` names, or the one that clients of the body's protocol read, among `formats`.
 * Returns undefined if none fits.
 */
export function negotiateFormat(
  request: Request,
  protocol: ClientProtocol,
  formats: readonly ResponseFormat[],
): ResponseFormat | undefined {
  const accepted = parseAcceptHeader(request.headers.get('accept') || '*/*')
  const plain = formats.filter((format) => mediaTypesByFormat[format])
  if (protocol !== 'input') {
    // Other clients accept anything, JSON or an event stream, and expect their own format, unless text or NDJSON comes first.
    const named = plain.find((format) => format !== 'events' && mediaTypesByFormat[format]?.includes(accepted[0] ?? ''))
    return named ?? (formats.includes(protocol) ? protocol : textOnlyFormat(protocol, plain))
  }
  for (const type of accepted) {
    const found = plain.find((format) => matchesMediaType(type, mediaTypesByFormat[format] ?? []))
    if (found) return found
  }
  return undefined
}

/** useChat can read text too (TextStreamChatTransport). */
const textOnlyFormat = (protocol: ClientProtocol, plain: readonly ResponseFormat[]): ResponseFormat | undefined =>
  protocol === 'ui-message' && plain.length === 1 && plain[0] === 'text' ? 'text' : undefined

function matchesMediaType(type: string, offered: readonly string[]): boolean {
  if (type === '*/*') return true
  return type.endsWith('/*') ? offered.some((offer) => offer.startsWith(type.slice(0, -1))) : offered.includes(type)
}

/** Returns the media types of an `Accept` header, the most preferred first. */
function parseAcceptHeader(accept: string): readonly string[] {
  const ranges = accept.split(',').map((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const quality = parameters.find((parameter) => parameter.startsWith('q='))
    return { type, q: quality ? Number(quality.slice(2)) : 1 }
  })
  return ranges
    .filter(({ q }) => q > 0)
    .sort((a, b) => b.q - a.q)
    .map(({ type }) => type)
}
