import type { Source } from '../../core/flow/source.ts'
import { retryAfterMs } from '../../core/util/retry-after.ts'

/** Enough for any provider's complaint. */
const MAX_ERROR_BODY_CHARS = 16_384

/** What a provider says with a status that is no success. */
export interface ErrorResponse {
  /** The beginning of its body. */
  readonly text: string
  /** What to do. */
  readonly hint: string
  readonly requestId: string | undefined
  /** How long it asks to wait, in ms. */
  readonly retryAfterMs: number | undefined
}

/** Reads a refusal, its body no further than its message needs. */
export async function readErrorResponse({ status, headers }: Response, body: Source<Uint8Array>): Promise<ErrorResponse> {
  return {
    text: await readBodyStart(body),
    hint: statusHints[status] ?? (status >= 500 ? 'The provider has a problem: ask again.' : ''),
    requestId: headers.get('request-id') ?? headers.get('x-request-id') ?? undefined,
    retryAfterMs: retryAfterMs(headers),
  }
}

const statusHints: Readonly<Record<number, string>> = {
  400: 'The request is not as the provider wants it.',
  401: 'Check the API key.',
  403: 'The API key may not do this.',
  404: 'Check the name of the model, and baseURL.',
  413: 'The request is too large: send less.',
  422: 'The request is not as the provider wants it.',
  429: 'Too many requests: ask later, or raise maxRetries.',
  529: 'The provider is overloaded: ask later.',
}

/** The beginning of a body as text; the rest is not waited for. A body that breaks off has said what it said. */
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
    // The status is what matters.
  }
  return text
}
