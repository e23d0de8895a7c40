import { ChaintapError } from '../core/errors.ts'
import type { Line } from './http.ts'
import { cleanCause, redactor, withoutSecrets } from './secrets.ts'

/**
 * As much of an official client as is used, e.g. of `new Anthropic()` from `@anthropic-ai/sdk`: it carries the request, signs it and
 * gives the raw response. Reading, retries and errors stay ours.
 */
export interface AnthropicClient {
  readonly baseURL: string
  readonly apiKey?: string | null
  readonly authToken?: string | null
  readonly messages: {
    create(body: object, options?: { readonly signal?: AbortSignal; readonly maxRetries?: number }): { asResponse(): Promise<Response> }
  }
}

export function clientLine({ baseURL, apiKey, authToken, messages }: AnthropicClient): Line {
  const redact = redactor([apiKey ?? '', authToken ?? ''])
  return {
    name: 'Anthropic',
    where: withoutSecrets(baseURL),
    redact,
    async post({ body }, signal) {
      try {
        return await messages.create(body, { signal, maxRetries: 0 }).asResponse()
      } catch (error) {
        return responseOf(error, redact)
      }
    },
  }
}

/** The SDK throws what is no success, and has read its body: made a response again, it is treated like any other. */
function responseOf(error: unknown, redact: Line['redact']): Response {
  const { status, headers, error: body, message } = Object(error) as Readonly<Record<string, unknown>>
  if (typeof status === 'number') {
    return new Response(JSON.stringify(body ?? { message }), { status, ...(headers instanceof Headers && { headers }) })
  }
  // Its errors without a response have the field too: a connection that failed.
  if (error instanceof Error && 'status' in error) throw error
  throw new ChaintapError('invalid_options', `The Anthropic client did not send the request: ${redact(String(message))}`, {
    cause: cleanCause(error, redact),
  })
}
