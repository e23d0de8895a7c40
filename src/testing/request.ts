/** The signature of `fetch` that the library uses. */
export type FetchLike = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** A request as a fake server receives it. */
export interface FakeRequest {
  readonly url: string
  readonly method: string
  readonly headers: Headers
  /** The body, parsed if it is JSON, otherwise the text; `undefined` if there was none. */
  readonly body: unknown
  readonly signal: AbortSignal | undefined
}

/** Reads the arguments of a fake `fetch`, in any of their forms. */
export async function readRequest(input: string | URL | Request, init: RequestInit = {}): Promise<FakeRequest> {
  const request = input instanceof Request ? input : undefined
  // A Response can read every form of a body. A Request reads its own: Firefox has no Request.body to pass to a Response.
  const text = init.body ? await new Response(init.body).text() : await request?.clone().text()
  return {
    url: input instanceof Request ? input.url : String(input),
    method: (init.method ?? request?.method ?? 'GET').toUpperCase(),
    headers: new Headers(init.headers ?? request?.headers),
    body: text ? parseJsonOrText(text) : undefined,
    signal: init.signal ?? request?.signal,
  }
}

function parseJsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
