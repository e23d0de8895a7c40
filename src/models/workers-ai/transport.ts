import { createRedactor } from '../../core/util/secrets.ts'
import type { Transport } from '../http/transport.ts'

/** The part of the `AI` binding that WorkersAI uses: `env.AI`, or a substitute in a test. */
export interface WorkersAIBinding {
  /** Calls a model. */
  run(model: string, inputs: Record<string, unknown>, options?: WorkersAIRunOptions): Promise<unknown>
}

/** Options of the binding's `run`. */
export interface WorkersAIRunOptions {
  /** Sends the call through an AI Gateway: `{ id: 'my-gateway', skipCache: true, … }`. */
  readonly gateway?: object & { readonly id: string }
  /** Resolves with the Response instead of its parsed body. WorkersAI always sets it. */
  readonly returnRawResponse?: boolean
  /** Aborts the call. Set by WorkersAI. */
  readonly signal?: AbortSignal
}

/**
 * A transport by the binding. It requests the raw response, which has a status and a body that can be cancelled. Bindings that return
 * streams or objects or throw errors anyway, as wrappers may, are supported too.
 */
export function bindingTransport(binding: WorkersAIBinding, options: WorkersAIRunOptions): Transport {
  return {
    name: 'Workers AI',
    // The host that the binding sends its requests to.
    displayUrl: 'https://workers-binding.ai',
    checkHint: 'the binding ([ai] in wrangler.toml) and the name of the model',
    redact: createRedactor([]),
    async post({ path, body }, signal) {
      try {
        const result = await binding.run(path, body, { ...options, signal, returnRawResponse: true })
        return withRequestId(result instanceof Response ? result : bindingResultToResponse(result))
      } catch (error) {
        return bindingErrorToResponse(error)
      }
    },
  }
}

const bindingResultToResponse = (result: unknown): Response =>
  result instanceof ReadableStream ? new Response(result) : new Response(JSON.stringify(result))

/** Copies the request id to the header that errors read. */
function withRequestId({ status, headers, body }: Response): Response {
  const id = headers.get('cf-ai-req-id')
  return new Response(body, { status, headers: id ? [...headers, ['request-id', id]] : headers })
}

/** The statuses that Cloudflare documents for its error codes, unless they follow from the first digit. */
const statusByErrorCode: Readonly<Record<string, number>> = {
  3003: 400,
  3006: 413,
  3007: 408,
  3008: 408,
  3023: 403,
  3036: 429,
  3039: 400,
  3040: 429,
  3041: 403,
  3042: 404,
  5005: 405,
  5016: 403,
  5018: 403,
  5019: 405,
}

/** Converts the binding's InferenceUpstreamError, whose message begins with the code, to a response, to be handled like any other. */
function bindingErrorToResponse(error: unknown): Response {
  const [, code = '', message] = /(?:^|\s)([35]\d{3}): *(.*)/s.exec(error instanceof Error ? error.message : '') ?? []
  if (!code) throw error
  const status = statusByErrorCode[code] ?? (code.startsWith('5') ? 400 : 500)
  return new Response(JSON.stringify({ errors: [{ code: Number(code), message }] }), { status })
}
