import { createRedactor } from '../../core/util/secrets.ts'
import type { Transport } from '../http/transport.ts'

/** As much of the `AI` binding as is used: `env.AI`, and what stands for it in a test. */
export interface WorkersAIBinding {
  run(model: string, inputs: Record<string, unknown>, options?: WorkersAIRunOptions): Promise<unknown>
}

/** What `run` is called with beside the inputs. */
export interface WorkersAIRunOptions {
  /** Sends the call through an AI Gateway: `{ id: 'my-gateway', skipCache: true, … }`. */
  readonly gateway?: object & { readonly id: string }
  readonly returnRawResponse?: boolean
  readonly signal?: AbortSignal
}

/**
 * A line by the binding. It is asked for the raw response, which has a status and a body that can be cancelled; a binding that gives
 * streams, objects and errors all the same, as a wrapper may, is understood too.
 */
export function bindingTransport(binding: WorkersAIBinding, options: WorkersAIRunOptions): Transport {
  return {
    name: 'Workers AI',
    // Where the binding sends its requests.
    displayUrl: 'https://workers-binding.ai',
    checkHint: 'the binding ([ai] in wrangler.toml) and the name of the model',
    redact: createRedactor([]),
    async post({ path, body }, signal) {
      try {
        const answer = await binding.run(path, body, { ...options, signal, returnRawResponse: true })
        return normalizeBindingResponse(answer instanceof Response ? answer : bindingResultToResponse(answer), body.stream === true)
      } catch (error) {
        return bindingErrorToResponse(error)
      }
    },
  }
}

const eventStreamHeaders = { 'content-type': 'text/event-stream' }

const bindingResultToResponse = (answer: unknown): Response =>
  answer instanceof ReadableStream
    ? new Response(answer, { headers: eventStreamHeaders })
    : new Response(JSON.stringify(answer), { headers: { 'content-type': 'application/json' } })

/** The response with its request's id where errors look for it. Some models know no streams, and answer whole. */
function normalizeBindingResponse({ ok, status, headers, body }: Response, streaming: boolean): Response {
  const isJson = /^application\/json\b/i.test(headers.get('content-type') ?? '')
  if (ok && streaming && isJson && body) return new Response(jsonToEventStream(body.getReader()), { headers: eventStreamHeaders })
  const id = headers.get('cf-ai-req-id')
  return new Response(body, { status, headers: id ? [...headers, ['request-id', id]] : headers })
}

const eventEncoder: TextEncoder = new TextEncoder()
const LINE_BREAK_BYTES: readonly number[] = [10, 13]

/** A body of JSON as a stream of one event. Between its parts a blank is as good as a line break, which would end a line of data. */
function jsonToEventStream(reader: ReadableStreamDefaultReader<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      start: (controller) => controller.enqueue(eventEncoder.encode('data: ')),
      async pull(controller) {
        const { done, value } = await reader.read()
        if (!done) return controller.enqueue(value.map((byte) => (LINE_BREAK_BYTES.includes(byte) ? 32 : byte)))
        controller.enqueue(eventEncoder.encode('\n\ndata: [DONE]\n\n'))
        controller.close()
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

/** The statuses that Cloudflare documents for its codes, as far as they are not told by their first digit. */
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

/** The binding's InferenceUpstreamError is a text that begins with the code. Made a response again, it is treated like any other. */
function bindingErrorToResponse(error: unknown): Response {
  const [, code = '', message] = /(?:^|\s)([35]\d{3}): *(.*)/s.exec(error instanceof Error ? error.message : '') ?? []
  if (!code) throw error
  const status = statusByErrorCode[code] ?? (code.startsWith('5') ? 400 : 500)
  return new Response(JSON.stringify({ errors: [{ code: Number(code), message }] }), { status })
}
