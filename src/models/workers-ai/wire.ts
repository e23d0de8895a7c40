import type { Delta } from '../../core/delta.ts'
import { workersAIUsage } from '../../tokens/usage/workers-ai.ts'
import { OpenAIDecoder, parseOpenAIError } from '../chat-completions/decoder.ts'
import type { Decoder, ProviderError, Wire } from '../wire.ts'
import { type WorkersAICallOptions, workersAIRequest } from './request.ts'

/** An event or an answer in Workers AI's own format, as far as it is read. */
interface NativeResponse {
  /** A text; in JSON mode a whole answer has the value here, and single digits come as numbers. */
  readonly response?: unknown
  /** As OpenAI writes them, or in the older form: `{ name, arguments }`, each whole, without an id. */
  readonly tool_calls?: readonly NativeToolCall[] | null
  readonly finish_reason?: string | null
}

/** What a call of a tool says of itself, at its top in the older form. */
interface NativeFunctionCall {
  readonly name?: string | null
  readonly arguments?: unknown
}

interface NativeToolCall extends NativeFunctionCall {
  readonly id?: string | null
  readonly index?: number | null
  readonly function?: NativeFunctionCall | null
}

/** The calls of the `AI` binding: https://developers.cloudflare.com/workers-ai/configuration/bindings/. */
export const workersAIWire: Wire<WorkersAICallOptions> = {
  request: workersAIRequest,
  decoder: (streaming) => new WorkersAIDecoder(streaming),
  parseError: parseWorkersAIError,
}

/**
 * Older models answer in a format of their own, newer ones in OpenAI's: the first is made the second, and one decoder reads both. Of its
 * own format the end is `[DONE]`, or a reason to stop.
 */
export class WorkersAIDecoder implements Decoder {
  readonly #openaiDecoder = new OpenAIDecoder()
  readonly #messageKey: 'delta' | 'message'
  readonly replacePadding: OpenAIDecoder['replacePadding'] = this.#openaiDecoder.replacePadding
  #callCount = 0

  constructor(streaming: boolean) {
    this.#messageKey = streaming ? 'delta' : 'message'
  }

  get complete(): boolean {
    return this.#openaiDecoder.complete
  }

  extractText(event: unknown): string | undefined {
    // A whole answer of text alone looks like a piece of a stream.
    if (this.#messageKey === 'message' || parseWorkersAIError(event)) return
    const native = parseNativeResponse(event)
    if (!native) return this.#openaiDecoder.extractText(event)
    const { response, tool_calls, finish_reason } = native
    const isMore = tool_calls?.length || finish_reason || workersAIUsage(Object(event))
    return typeof response === 'string' && !isMore ? response : undefined
  }

  decode(event: unknown): readonly Delta[] {
    const native = parseNativeResponse(event)
    if (!native) return this.#openaiDecoder.decode(unwrapResult(event))
    const usage = workersAIUsage(Object(event))
    const { response: content, tool_calls, finish_reason } = native
    const said = { content: nativeResponseText(content), tool_calls: tool_calls?.map(this.#toOpenAICall) }
    const deltas = this.#openaiDecoder.decode({ choices: [{ [this.#messageKey]: said, finish_reason }] })
    return usage ? [...deltas, { type: 'usage', usage }] : deltas
  }

  /** A call as OpenAI writes it. One without an id gets one, for the tool's result has to name it. */
  readonly #toOpenAICall = (call: NativeToolCall): object => {
    if (call.function) return call
    const { id, name, index } = call
    return { id: name ? (id ?? `call_${this.#callCount++}`) : id, index, function: call }
  }
}

/** Over REST an answer is the `result`. */
const unwrapResult = (event: unknown): unknown => Object(event).result ?? event

/** What is in Workers AI's own format; some models tell both, and OpenAI's says more. */
function parseNativeResponse(event: unknown): NativeResponse | undefined {
  const { choices, response, tool_calls } = Object(unwrapResult(event)) as NativeResponse & { readonly choices?: readonly unknown[] }
  return choices?.length || (response ?? tool_calls) === undefined ? undefined : (unwrapResult(event) as NativeResponse)
}

const nativeResponseText = (response: unknown): string =>
  typeof response === 'string' ? response : response === null || response === undefined ? '' : JSON.stringify(response)

/** Neurons are free up to a daily allocation, which comes back at 00:00 UTC: https://developers.cloudflare.com/workers-ai/platform/pricing/. */
const NEURONS_EXHAUSTED_CODE = 3036

const QUOTA_PERIOD_MS = 86_400_000

/**
 * `{ internalCode, description }`, or `{ errors: [{ code, message }] }`, as the gateway and REST have it; models in OpenAI's format have
 * OpenAI's.
 *
 * @see https://developers.cloudflare.com/workers-ai/platform/errors/
 */
export function parseWorkersAIError(body: unknown): ProviderError | undefined {
  const { internalCode, description, errors, response, result } = Object(body) as Readonly<Record<string, unknown>>
  const [first] = Array.isArray(errors) ? (errors as readonly Readonly<Record<string, unknown>>[]) : []
  const code = internalCode ?? first?.code
  if (code === undefined && !first) return response === undefined && result === undefined ? parseOpenAIError(body) : undefined
  return {
    ...parseOpenAIError({ error: { code, message: internalCode ? description : first?.message } }),
    ...(Number(code) === NEURONS_EXHAUSTED_CODE && { retryAfterMs: QUOTA_PERIOD_MS - (Date.now() % QUOTA_PERIOD_MS) }),
  }
}
