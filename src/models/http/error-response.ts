import type { Source } from '../../core/flow/source.ts'
import { retryAfterMs } from '../../core/util/retry-after.ts'

/** Enough for the error body of any provider. */
const MAX_ERROR_BODY_CHARS = 16_384

/** What a response with an error status says. */
export interface ErrorResponse {
  /** The beginning of its body. */
  readonly text: string
  /** What the user can do. */
  readonly hint: string
  readonly requestId: string | undefined
  /** How long the provider asks to wait, in ms. */
  readonly retryAfterMs: number | undefined
}

/** Reads an error response; of its body no more than its message needs. */
export async function readErrorResponse({ status, headers }: Response, body: Source<Uint8Array>): Promise<ErrorResponse> {
  return {
    text: await readBodyStart(body),
    hint: statusHints[status] ?? (status >= 500 ? 'The provider failed: retry the call.' : ''),
    requestId: headers.get('request-id') ?? headers.get('x-request-id') ?? undefined,
    retryAfterMs: retryAfterMs(headers),
  }
}

const statusHints: Readonly<Record<number, string>> = {
  400: 'The provider rejected the request: check the options and messages.',
  401: 'Check the API key.',
  403: 'The API key lacks permission for this request.',
  404: 'Check the model name and baseURL.',
  413: 'The request is too large: shorten the messages.',
  422: 'The provider rejected the request: check the options and messages.',
  429: 'Too many requests: retry later, or raise maxRetries.',
  529: 'The provider is overloaded: retry later.',
}

/** Reads the beginning of a body as text, without waiting for the rest. If reading fails, returns what arrived before. */
async function readBodyStart(body: Source<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  try {
    while (text.length < MAX_ERROR_BODY_CHARS) {
      const { done, value } = await body.next()
      if (done) break
      text += decoder.decode(value, { stream: true })
    }
  } catch {
    // The status is enough for an error.
  }
  return text
}
