import type { Message, Part } from '../../core/message.ts'
import { describeForError } from '../../core/util/describe.ts'
import type { JsonObject } from '../../core/util/parse-json.ts'
import { invalidMessageError } from '../../messages/invalid-message.ts'
import { fromContent, fromToolCall } from './request-message.ts'

/** A body of OpenAI's Chat Completions API, as far as it is read. */
export interface OpenAIBody {
  readonly model?: unknown
  readonly messages?: unknown
  readonly stream?: unknown
  readonly stream_options?: { readonly include_usage?: unknown } | null
}

/**
 * A conversation of OpenAI's Chat Completions API as a chat model takes it.
 *
 * @throws ChaintapError `invalid_message` for another form.
 */
export function fromOpenAIMessages(messages: readonly unknown[]): readonly Message[] {
  if (messages.length === 0) throw invalidMessageError('messages is empty: write at least one.')
  return messages.map((given) => {
    const { role, content, tool_calls, tool_call_id } = Object(given) as JsonObject
    const said = fromContent(content, fromOpenAIPart)
    if (role === 'system' || role === 'developer') return { role: 'system', content: said }
    if (role === 'user') return { role, content: said }
    if (role === 'tool') return { role, content: said, toolCallId: String(tool_call_id) }
    if (role !== 'assistant')
      throw invalidMessageError(
        `A message is { role, content }, its role system, developer, user, assistant or tool, but got ${describeForError(given)}.`,
      )
    return { role, content: said, ...(Array.isArray(tool_calls) && { toolCalls: tool_calls.map(fromToolCall) }) }
  })
}

function fromOpenAIPart(given: unknown): Part {
  const { type, text, refusal, image_url } = Object(given) as JsonObject
  if (type === 'text' && typeof text === 'string') return { type, text }
  if (type === 'refusal' && typeof refusal === 'string') return { type: 'text', text: refusal }
  const { url } = Object(image_url) as JsonObject
  if (type === 'image_url' && typeof url === 'string') return { type: 'image', url }
  throw invalidMessageError('Of parts only text and image_url are taken.')
}
