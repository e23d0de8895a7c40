const MAX_BYTES = 16 * 1_024

/** A refusal that says in words what is wrong, as JSON. */
export function refusal(status: number, error: string, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json({ error }, { status, headers })
}

/** The question of a request, `POST { "question": "…" }` as JSON, or the refusal to answer it with. */
export async function questionOf(request: Request): Promise<string | Response> {
  if (request.method !== 'POST') return refusal(405, `Ask with POST, not ${request.method}.`, { allow: 'POST' })
  // Other sites' pages may send forms and plain text here without asking; JSON they may not.
  const type = request.headers.get('content-type') ?? 'nothing'
  if (!/^application\/json\s*(;|$)/i.test(type)) return refusal(415, `The content-type must be application/json, but is ${type}.`)
  const text = await textOf(request)
  if (text === undefined) return refusal(413, `The question is too long: ${MAX_BYTES / 1_024} KB is the most.`)
  const question = parsed(text)
  return question ?? refusal(400, 'The body must be JSON with a text to answer: { "question": "What is 17 + 4 * 2?" }.')
}

/** The body as text; undefined where it is too long, whatever its headers say. */
async function textOf({ body }: Request): Promise<string | undefined> {
  const reader = body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for (let read = await reader?.read(); read?.value; read = await reader?.read()) {
    bytes += read.value.byteLength
    if (bytes > MAX_BYTES) {
      await reader?.cancel()
      return undefined
    }
    text += decoder.decode(read.value, { stream: true })
  }
  return text + decoder.decode()
}

function parsed(text: string): string | undefined {
  try {
    const { question } = JSON.parse(text)
    return typeof question === 'string' && question.trim() !== '' ? question : undefined
  } catch {
    return undefined
  }
}
