import type { Complaint, Wire } from '../wire.ts'
import { Answer } from './decoder.ts'
import { type AnthropicCallOptions, anthropicRequest } from './request.ts'

/**
 * Anthropic's Messages API: https://platform.claude.com/docs/en/api/messages and …/docs/en/build-with-claude/streaming.
 *
 * The type of an event is read from its JSON, for compatible servers leave the event's name out.
 */
export const anthropicWire: Wire<AnthropicCallOptions> = {
  request: anthropicRequest,
  decoder: () => new Answer(),
  complaint,
}

/** `{ type: 'error', error: { type, message }, request_id }`; gateways before Anthropic have forms of their own, without a type. */
function complaint(body: unknown): Complaint | undefined {
  const { type, error, message, request_id } = Object(body) as Readonly<Record<string, unknown>>
  const said = Object(typeof error === 'object' && error ? error : { message: error ?? message }) as Readonly<Record<string, unknown>>
  if (type !== 'error' && (type !== undefined || said.message === undefined)) return
  return { type: text(said.type), message: text(said.message), requestId: text(request_id) }
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
