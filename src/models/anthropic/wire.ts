import type { ProviderError, Wire } from '../wire.ts'
import { AnthropicDecoder } from './decoder.ts'
import { type AnthropicCallOptions, anthropicRequest } from './request.ts'

/**
 * Anthropic's Messages API: https://platform.claude.com/docs/en/api/messages and …/docs/en/build-with-claude/streaming.
 *
 * The type of an event is read from its JSON, for compatible servers leave the event's name out.
 */
export const anthropicWire: Wire<AnthropicCallOptions> = {
  request: anthropicRequest,
  decoder: () => new AnthropicDecoder(),
  parseError: parseAnthropicError,
}

/** `{ type: 'error', error: { type, message }, request_id }`; gateways before Anthropic have forms of their own, without a type. */
function parseAnthropicError(body: unknown): ProviderError | undefined {
  const { type, error, message, request_id } = Object(body) as Readonly<Record<string, unknown>>
  const said = Object(typeof error === 'object' && error ? error : { message: error ?? message }) as Readonly<Record<string, unknown>>
  if (type !== 'error' && (type !== undefined || said.message === undefined)) return
  return { type: stringOrUndefined(said.type), message: stringOrUndefined(said.message), requestId: stringOrUndefined(request_id) }
}

const stringOrUndefined = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
