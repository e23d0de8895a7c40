import type { RunOptions } from '../../core/options.ts'

/** What a caller may set of a run's options. */
export type CallerOptions = Pick<RunOptions, 'tags' | 'metadata' | 'runName'>

/** Said of a body that is nobody's. */
export const NO_INPUT = 'The body must be JSON with an input: { "input": … }.'

/** A refusal that says in words what is wrong, as JSON. */
export function refuse(status: number, error: string, headers: Readonly<Record<string, string>> = {}): { readonly refusal: Response } {
  return { refusal: Response.json({ error }, { status, headers }) }
}

/** A request's body, or the refusal to answer it with. */
export type Body = { readonly body: Readonly<Record<string, unknown>> } | { readonly refusal: Response }

/** Reads a `POST` of a JSON object. */
export async function bodyOf(request: Request, maxBytes: number): Promise<Body> {
  if (request.method !== 'POST') return refuse(405, `Call with POST, not ${request.method}.`, { allow: 'POST' })
  // Other sites' pages may send forms and plain text here without asking; JSON they may not.
  const type = request.headers.get('content-type') ?? 'nothing'
  if (!/^application\/json\s*(;|$)/i.test(type)) return refuse(415, `The content-type must be application/json, but is ${type}.`)
  const text = await textOf(request, maxBytes)
  if (text === undefined) return refuse(413, `The body is too large: ${maxBytes} bytes is the most.`)
  const body = parsed(text)
  return isRecord(body) ? { body } : refuse(400, NO_INPUT)
}

/** The body as text; undefined where it is too long, whatever its headers say. */
async function textOf(request: Request, maxBytes: number): Promise<string | undefined> {
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

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** What the caller may set; anything else is left out, and so is what has another form. */
export function optionsOf(given: unknown): CallerOptions {
  const { tags, metadata, runName } = isRecord(given) ? given : {}
  return {
    ...(Array.isArray(tags) && { tags: tags.filter((tag) => typeof tag === 'string') }),
    ...(isRecord(metadata) && { metadata }),
    ...(typeof runName === 'string' && { runName }),
  }
}
