import type { ResponseFormat } from '../response/format.ts'

/** Whose request a body is: ours has an `input`, those of `useChat`, of AG-UI's and of OpenAI's clients have `messages`, each in words of its own. */
export type ClientProtocol = 'input' | 'ui-message' | 'ag-ui' | 'openai'

/** Undefined where it is nobody's. */
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
 * The format to answer in: what `Accept` names, in its order of preference, else what the body's own clients read, as far as the server
 * gives it. Undefined where nothing fits.
 */
export function negotiateFormat(request: Request, speech: ClientProtocol, formats: readonly ResponseFormat[]): ResponseFormat | undefined {
  const accepted = parseAcceptHeader(request.headers.get('accept') || '*/*')
  const plain = formats.filter((format) => mediaTypesByFormat[format])
  if (speech !== 'input') {
    // The clients of others accept anything, JSON or an event stream, and mean their own; one that names bare text first means that.
    const named = plain.find((format) => format !== 'events' && mediaTypesByFormat[format]?.includes(accepted[0] ?? ''))
    return named ?? (formats.includes(speech) ? speech : textOnlyFormat(speech, plain))
  }
  for (const type of accepted) {
    const found = plain.find((format) => matchesMediaType(type, mediaTypesByFormat[format] ?? []))
    if (found) return found
  }
  return undefined
}

/** useChat can read bare text too (TextStreamChatTransport). */
const textOnlyFormat = (speech: ClientProtocol, plain: readonly ResponseFormat[]): ResponseFormat | undefined =>
  speech === 'ui-message' && plain.length === 1 && plain[0] === 'text' ? 'text' : undefined

function matchesMediaType(type: string, offered: readonly string[]): boolean {
  if (type === '*/*') return true
  return type.endsWith('/*') ? offered.some((each) => each.startsWith(type.slice(0, -1))) : offered.includes(type)
}

/** The media types of an `Accept`, the most wanted first. */
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
