import type { JsonObject } from '../../core/util/parse-json.ts'
import { reportedError } from '../../tokens/answer/reported-error.ts'
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

/** Reads `{ type: 'error', error: { type, message }, request_id }`, and forms without that type, which gateways send. */
function parseAnthropicError(body: unknown): ProviderError | undefined {
  const { type, request_id, base_resp } = Object(body) as JsonObject
  const isError = typeof type === 'string' && /error$/i.test(type)
  if (type !== undefined && !isError && !base_resp) return
  const error = reportedError(body) ?? (isError ? { type } : undefined)
  return error && { ...error, requestId: typeof request_id === 'string' ? request_id : undefined }
}
