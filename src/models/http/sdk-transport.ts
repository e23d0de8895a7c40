import { ChaintapError } from '../../core/errors.ts'
import { createRedactor, redactCause } from '../../core/util/secrets.ts'
import { stripUrlSecrets } from '../../core/util/strip-url.ts'
import type { Transport } from './transport.ts'

/** The part of an official client that makes one kind of calls and can return the raw response. */
export interface SdkEndpoint {
  /** Sends the request. */
  create(body: object, options?: { readonly signal?: AbortSignal; readonly maxRetries?: number }): { asResponse(): Promise<Response> }
}

/** The members that official clients share. */
export interface SdkClient {
  /** The base URL of the API. */
  readonly baseURL: string
  /** Redacted from error messages. */
  readonly apiKey?: string | null
  /** Redacted from error messages. */
  readonly authToken?: string | null
}

/**
 * A transport by an official client, which signs and sends the request and returns the raw response. Reading, retries and errors stay in
 * this library.
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

/** Converts an SDK's error back to a response, to be handled like any other. SDKs throw on error statuses and consume the body. */
function sdkErrorToResponse(error: unknown, name: string, redact: Transport['redact']): Response {
  const { status, headers, error: body, message } = Object(error) as Readonly<Record<string, unknown>>
  if (typeof status === 'number') {
    return new Response(JSON.stringify(body ?? { message }), { status, ...(headers instanceof Headers && { headers }) })
  }
  // SDK errors without a response have a `status` field too: the connection failed.
  if (error instanceof Error && 'status' in error) throw error
  throw new ChaintapError('invalid_options', `The ${name} client did not send the request: ${redact(String(message))}`, {
    cause: redactCause(error, redact),
  })
}
