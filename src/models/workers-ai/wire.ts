import type { Delta } from '../../core/delta.ts'
import type { Message } from '../../core/message.ts'
import { reportedError } from '../../tokens/answer/reported-error.ts'
import { workersAIUsage } from '../../tokens/usage/workers-ai.ts'
import { OpenAIDecoder } from '../chat-completions/decoder.ts'
import type { Decoder, ProviderError, Wire } from '../wire.ts'
import { type WorkersAICallOptions, workersAIRequest } from './request.ts'

/** A stream event or a whole response in Workers AI's own format: the fields that are read. */
interface NativeResponse {
  /** A text. In JSON mode the value of a whole response; single digits are numbers. */
  readonly response?: unknown
  /** In OpenAI's format, or in the older one: complete `{ name, arguments }` without ids. */
  readonly tool_calls?: unknown
  readonly finish_reason?: string | null
}

/** The format of calls of the `AI` binding: https://developers.cloudflare.com/workers-ai/configuration/bindings/. */
export const workersAIWire: Wire<WorkersAICallOptions> = {
  request: workersAIRequest,
  decoder: (streaming, messages) => new WorkersAIDecoder(streaming, messages),
  parseError: parseWorkersAIError,
}

/**
 * Decodes one response. Older models use Workers AI's own format, which is converted to OpenAI's, the format of newer models, so that one
 * decoder reads both. The end marker of the own format is `[DONE]` or a finish reason.
 */
export class WorkersAIDecoder implements Decoder {
  readonly #openaiDecoder: OpenAIDecoder
  readonly #messageKey: 'delta' | 'message'
  readonly replacePadding: OpenAIDecoder['replacePadding']

  constructor(streaming: boolean, messages: readonly Message[] = []) {
    this.#openaiDecoder = new OpenAIDecoder(streaming, messages)
    this.replacePadding = this.#openaiDecoder.replacePadding
    this.#messageKey = streaming ? 'delta' : 'message'
  }

  get complete(): boolean {
    return this.#openaiDecoder.complete
  }

  extractText(event: unknown): string | undefined {
    // A whole response that is only text looks like a piece of a stream.
    if (this.#messageKey === 'message' || parseWorkersAIError(event)) return
    const native = parseNativeResponse(event)
    if (!native) return this.#openaiDecoder.extractText(event)
    const { response, tool_calls, finish_reason } = native
    const isMore = hasEntries(tool_calls) || finish_reason || workersAIUsage(Object(event))
    if (typeof response === 'string' && !isMore) return this.#openaiDecoder.extractText({ choices: [{ delta: { content: response } }] })
  }

  decode(event: unknown): readonly Delta[] {
    const native = parseNativeResponse(event)
    if (!native) return this.#openaiDecoder.decode(unwrapResult(event))
    const usage = workersAIUsage(Object(event))
    const { response: content, tool_calls, finish_reason } = native
    const message = { content: nativeResponseText(content), tool_calls }
    const deltas = this.#openaiDecoder.decode({ choices: [{ [this.#messageKey]: message, finish_reason }] })
    return usage ? [...deltas, { type: 'usage', usage }] : deltas
  }
}

const hasEntries = (calls: unknown): boolean => Object.keys(Object(calls)).length > 0

/** Over REST the response is in `result`. */
const unwrapResult = (event: unknown): unknown => Object(event).result ?? event

/** Returns an event in Workers AI's own format. If a model sends both formats, OpenAI's is preferred: it holds more. */
function parseNativeResponse(event: unknown): NativeResponse | undefined {
  const { choices, response, tool_calls } = Object(unwrapResult(event)) as NativeResponse & { readonly choices?: readonly unknown[] }
  return choices?.length || (response ?? tool_calls) === undefined ? undefined : (unwrapResult(event) as NativeResponse)
}

const nativeResponseText = (response: unknown): string =>
  typeof response === 'string' ? response : response === null || response === undefined ? '' : JSON.stringify(response)

/** The free daily allocation of neurons resets at 00:00 UTC: https://developers.cloudflare.com/workers-ai/platform/pricing/. */
const NEURONS_EXHAUSTED_CODE = 3036

const QUOTA_PERIOD_MS = 86_400_000

/**
 * Reads `{ internalCode, description }`, or `{ errors: [{ code, message }] }`, which the gateway and REST send. Models in OpenAI's format
 * send OpenAI's errors.
 *
 * @see https://developers.cloudflare.com/workers-ai/platform/errors/
 */
export function parseWorkersAIError(body: unknown): ProviderError | undefined {
  const { internalCode, description, errors, response, result } = Object(body) as Readonly<Record<string, unknown>>
  const [first] = Array.isArray(errors) ? (errors as readonly Readonly<Record<string, unknown>>[]) : []
  const code = internalCode ?? first?.code
  if (code === undefined && !first) return response === undefined && result === undefined ? reportedError(body) : undefined
  return {
    ...reportedError({ error: { code, message: internalCode ? description : first?.message } }),
    ...(Number(code) === NEURONS_EXHAUSTED_CODE && { retryAfterMs: QUOTA_PERIOD_MS - (Date.now() % QUOTA_PERIOD_MS) }),
  }
}
