import { ChaintapError } from '../../core/errors.ts'
import { cleanCause, redactor, withoutSecrets } from '../../core/util/secrets.ts'
import type { Line } from './http.ts'

/** The part of an official client that makes calls of one kind, and can give the raw response. */
export interface Creates {
  create(body: object, options?: { readonly signal?: AbortSignal; readonly maxRetries?: number }): { asResponse(): Promise<Response> }
}

/** What official clients have in common. */
export interface Client {
  readonly baseURL: string
  readonly apiKey?: string | null
  readonly authToken?: string | null
}

/**
 * A line by an official client: it carries the request, signs it and gives the raw response. Reading, retries and errors stay ours.
 */
export function clientLine(name: string, { baseURL, apiKey, authToken }: Client, calls: Creates): Line {
  const redact = redactor([apiKey ?? '', authToken ?? ''])
  return {
    name,
    where: withoutSecrets(baseURL),
    redact,
    async post({ body }, signal) {
      try {
        return await calls.create(body, { signal, maxRetries: 0 }).asResponse()
      } catch (error) {
        return responseOf(error, name, redact)
      }
    },
  }
}

/** The SDKs throw what is no success, and have read its body: made a response again, it is treated like any other. */
function responseOf(error: unknown, name: string, redact: Line['redact']): Response {
  const { status, headers, error: body, message } = Object(error) as Readonly<Record<string, unknown>>
  if (typeof status === 'number') {
    return new Response(JSON.stringify(body ?? { message }), { status, ...(headers instanceof Headers && { headers }) })
  }
  // Their errors without a response have the field too: a connection that failed.
  if (error instanceof Error && 'status' in error) throw error
  throw new ChaintapError('invalid_options', `The client of ${name} did not send the request: ${redact(String(message))}`, {
    cause: cleanCause(error, redact),
  })
}
