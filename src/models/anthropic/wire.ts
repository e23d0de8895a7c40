import type { JsonObject } from '../../core/util/parse-json.ts'
import type { ProviderError, Wire } from '../wire.ts'
import { AnthropicDecoder } from './decoder.ts'
import { type AnthropicCallOptions, anthropicRequest } from './request.ts'

/**
 * The format of Anthropic's Messages API: https://platform.claude.com/docs/en/api/messages and …/docs/en/build-with-claude/streaming.
 *
 * The type of an event is read from its JSON, because compatible servers omit the event's name.
 */
export const anthropicWire: Wire<AnthropicCallOptions> = {
  request: anthropicRequest,
  decoder: (_, messages) => new AnthropicDecoder(messages),
  parseError: parseAnthropicError,
}

/** Reads `{ type: 'error', error: { type, message }, request_id }`, and forms without a `type`, which gateways send. */
function parseAnthropicError(body: unknown): ProviderError | undefined {
  const { type, error, message, request_id } = Object(body) as JsonObject
  const details = Object(typeof error === 'object' && error ? error : { message: error ?? message }) as JsonObject
  if (type !== 'error' && (type !== undefined || details.message === undefined)) return
  return { type: stringOrUndefined(details.type), message: stringOrUndefined(details.message), requestId: stringOrUndefined(request_id) }
}

const stringOrUndefined = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
