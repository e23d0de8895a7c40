import type { Message, Part } from '../../core/message.ts'
import { describeForError } from '../../core/util/describe.ts'
import type { JsonObject } from '../../core/util/parse-json.ts'
import { invalidMessageError } from '../../messages/invalid-message.ts'
import { fromContent, fromToolCall } from './request-message.ts'

/** The fields of a Chat Completions request that are read. */
export interface OpenAIBody {
  readonly model?: unknown
  readonly messages?: unknown
  readonly stream?: unknown
  readonly stream_options?: { readonly include_usage?: unknown } | null
}

/**
 * Converts the messages of a Chat Completions request to chat messages.
 *
 * @throws ChaintapError `invalid_message` for an invalid message
 */
export function fromOpenAIMessages(messages: readonly unknown[]): readonly Message[] {
  if (messages.length === 0) throw invalidMessageError('messages is empty: send at least one.')
  return messages.map((given) => {
    const { role, content, tool_calls, tool_call_id } = Object(given) as JsonObject
    const converted = fromContent(content, fromOpenAIPart)
    if (role === 'system' || role === 'developer') return { role: 'system', content: converted }
    if (role === 'user') return { role, content: converted }
    if (role === 'tool') return { role, content: converted, toolCallId: String(tool_call_id) }
    if (role !== 'assistant')
      throw invalidMessageError(
        `The role of a message must be system, developer, user, assistant or tool; received ${describeForError(given)}.`,
      )
    return { role, content: converted, ...(Array.isArray(tool_calls) && { toolCalls: tool_calls.map(fromToolCall) }) }
  })
}

function fromOpenAIPart(given: unknown): Part {
  const { type, text, refusal, image_url } = Object(given) as JsonObject
  if (type === 'text' && typeof text === 'string') return { type, text }
  if (type === 'refusal' && typeof refusal === 'string') return { type: 'text', text: refusal }
  const { url } = Object(image_url) as JsonObject
  if (type === 'image_url' && typeof url === 'string') return { type: 'image', url }
  throw invalidMessageError('A part must be of type text or image_url.')
}
