import type { RunOptions } from '../../core/options.ts'
import { isRecord } from '../../core/util/is-record.ts'
import { parseJson } from '../../core/util/parse-json.ts'

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

/** Reads the JSON object that a `POST` request contains. */
export async function readJsonBody(request: Request, maxBytes: number): Promise<JsonBodyResult> {
  if (request.method !== 'POST') return createRefusal(405, `Method ${request.method} is not allowed: use POST.`, { allow: 'POST' })
  // Pages of other origins may send forms and plain text without a CORS preflight, but not JSON.
  const type = request.headers.get('content-type') ?? 'missing'
  if (!/^application\/json\s*(;|$)/i.test(type)) return createRefusal(415, `The content-type must be application/json; received ${type}.`)
  const text = await readBodyText(request, maxBytes)
  if (text === undefined) return createRefusal(413, `The body is too large: the limit is ${maxBytes} bytes.`)
  const body = parseJson(text)
  return isRecord(body) ? { body } : createRefusal(400, MISSING_INPUT_MESSAGE)
}

/** Reads the body as text; returns undefined if it exceeds `maxBytes`, whatever `content-length` says. */
async function readBodyText(request: Request, maxBytes: number): Promise<string | undefined> {
  // Firefox has no Request.body, so its service workers read the whole body first.
  const reader = (request.body ?? (await request.blob()).stream()).getReader()
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for (let read = await reader.read(); read.value; read = await reader.read()) {
    bytes += read.value.byteLength
    if (bytes > maxBytes) {
      await reader.cancel()
      return undefined
    }
    text += decoder.decode(read.value, { stream: true })
  }
  return text + decoder.decode()
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
