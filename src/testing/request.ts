/** `fetch`, as far as the library asks for it. */
export type FetchLike = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** A request as a fake server reads it. */
export interface FakeRequest {
  readonly url: string
  readonly method: string
  readonly headers: Headers
  /** Parsed where it is JSON, else the text; undefined where there was none. */
  readonly body: unknown
  readonly signal: AbortSignal | undefined
}

/** What was passed to a fake `fetch`, in whichever of its forms. */
export async function readRequest(input: string | URL | Request, init: RequestInit = {}): Promise<FakeRequest> {
  const request = input instanceof Request ? input : undefined
  // A Response reads every form that a body can have. A Request reads itself: Firefox has no Request.body to give to a Response.
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
