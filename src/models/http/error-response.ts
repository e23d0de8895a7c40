import type { Source } from '../../core/flow/source.ts'
import { readErrorText } from '../../core/util/read-error-text.ts'
import { retryAfterMs } from '../../core/util/retry-after.ts'

/** What a response with an error status says. */
export interface ErrorResponse {
  /** The beginning of its body. */
  readonly text: string
  /** What the user can do. */
  readonly hint: string
  readonly requestId: string | undefined
  /** How long the provider asks to wait, in ms. */
  readonly retryAfterMs: number | undefined
  /** Whether to retry, if the provider says so. Its own clients obey the header before they look at the status. */
  readonly isRetryable: boolean | undefined
}

/** Reads an error response; of its body no more than its message needs. */
export async function readErrorResponse({ status, headers }: Response, body: Source<Uint8Array>): Promise<ErrorResponse> {
  return {
    text: await readErrorText(() => body.next()),
    hint: statusHints[status] ?? (status >= 500 ? 'The provider failed: retry the call.' : ''),
    requestId: headers.get('request-id') ?? headers.get('x-request-id') ?? undefined,
    retryAfterMs: retryAfterMs(headers),
    isRetryable: shouldRetry.get(headers.get('x-should-retry')),
  }
}

const shouldRetry: ReadonlyMap<string | null, boolean> = new Map([
  ['true', true],
  ['false', false],
])

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
