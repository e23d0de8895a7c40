import { ChaintapError } from '../../core/errors.ts'
import { createRedactor, redactCause, stripUrlSecrets } from '../../core/util/secrets.ts'
import type { Transport } from './transport.ts'

/** The part of an official client that makes calls of one kind, and can give the raw response. */
export interface SdkEndpoint {
  create(body: object, options?: { readonly signal?: AbortSignal; readonly maxRetries?: number }): { asResponse(): Promise<Response> }
}

/** What official clients have in common. */
export interface SdkClient {
  readonly baseURL: string
  readonly apiKey?: string | null
  readonly authToken?: string | null
}

/**
 * A line by an official client: it carries the request, signs it and gives the raw response. Reading, retries and errors stay ours.
 */
export function sdkTransport(name: string, { baseURL, apiKey, authToken }: SdkClient, endpoint: SdkEndpoint): Transport {
  const redact = createRedactor([apiKey ?? '', authToken ?? ''])
  return {
    name,
    displayUrl: stripUrlSecrets(baseURL),
    redact,
    async post({ body }, signal) {
      try {
        return await endpoint.create(body, { signal, maxRetries: 0 }).asResponse()
      } catch (error) {
        return sdkErrorToResponse(error, name, redact)
      }
    },
  }
}

/** The SDKs throw what is no success, and have read its body: made a response again, it is treated like any other. */
function sdkErrorToResponse(error: unknown, name: string, redact: Transport['redact']): Response {
  const { status, headers, error: body, message } = Object(error) as Readonly<Record<string, unknown>>
  if (typeof status === 'number') {
    return new Response(JSON.stringify(body ?? { message }), { status, ...(headers instanceof Headers && { headers }) })
  }
  // Their errors without a response have the field too: a connection that failed.
  if (error instanceof Error && 'status' in error) throw error
  throw new ChaintapError('invalid_options', `The client of ${name} did not send the request: ${redact(String(message))}`, {
    cause: redactCause(error, redact),
  })
}
