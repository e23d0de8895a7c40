import type { RunOptions } from '../../core/options.ts'
import { isRecord } from '../../core/util/is-record.ts'
import { parseJson } from '../../core/util/parse-json.ts'

/** What a caller may set of a run's options. */
export type CallerOptions = Pick<RunOptions, 'tags' | 'metadata' | 'runName'>

/** Said of a body that is nobody's. */
export const MISSING_INPUT_MESSAGE = 'The body must be JSON with an input: { "input": … }.'

/** A refusal that says in words what is wrong, as JSON. */
export function createRefusal(
  status: number,
  error: string,
  headers: Readonly<Record<string, string>> = {},
): { readonly refusal: Response } {
  return { refusal: Response.json({ error }, { status, headers }) }
}

/** A request's body, or the refusal to answer it with. */
export type JsonBodyResult = { readonly body: Readonly<Record<string, unknown>> } | { readonly refusal: Response }

/** Reads a `POST` of a JSON object. */
export async function readJsonBody(request: Request, maxBytes: number): Promise<JsonBodyResult> {
  if (request.method !== 'POST') return createRefusal(405, `Call with POST, not ${request.method}.`, { allow: 'POST' })
  // Other sites' pages may send forms and plain text here without asking; JSON they may not.
  const type = request.headers.get('content-type') ?? 'nothing'
  if (!/^application\/json\s*(;|$)/i.test(type)) return createRefusal(415, `The content-type must be application/json, but is ${type}.`)
  const text = await readBodyText(request, maxBytes)
  if (text === undefined) return createRefusal(413, `The body is too large: ${maxBytes} bytes is the most.`)
  const body = parseJson(text)
  return isRecord(body) ? { body } : createRefusal(400, MISSING_INPUT_MESSAGE)
}

/** The body as text; undefined where it is too long, whatever its headers say. */
async function readBodyText(request: Request, maxBytes: number): Promise<string | undefined> {
  // Firefox has no Request.body: its service workers read the whole first.
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

/** What the caller may set; anything else is left out, and so is what has another form. */
export function parseCallerOptions(given: unknown): CallerOptions {
  const { tags, metadata, runName } = isRecord(given) ? given : {}
  return {
    ...(Array.isArray(tags) && { tags: tags.filter((tag) => typeof tag === 'string') }),
    ...(isRecord(metadata) && { metadata }),
    ...(typeof runName === 'string' && { runName }),
  }
}
