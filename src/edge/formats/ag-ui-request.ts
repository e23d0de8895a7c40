import type { AssistantMessage, Message, Part, ToolMessage } from '../../core/message.ts'
import { describeForError } from '../../core/util/describe.ts'
import type { JsonObject } from '../../core/util/parse-json.ts'
import { invalidMessageError } from '../../messages/invalid-message.ts'
import { fromContent, fromToolCall } from './request-message.ts'

/**
 * Converts the messages of an AG-UI client to chat messages. Omits unanswered tool calls, reasoning and activities, because no provider
 * accepts them in this form.
 *
 * @throws ChaintapError `invalid_message` for an invalid message, and for media other than images
 */
export function fromAgUiMessages(messages: readonly unknown[]): readonly Message[] {
  const answered = new Set(messages.map((given) => (Object(given) as JsonObject).toolCallId))
  return messages.flatMap((given): readonly Message[] => {
    const message = Object(given) as JsonObject
    const { role, content } = message
    if (role === 'reasoning' || role === 'activity') return []
    if (role === 'system' || role === 'developer') return [{ role: 'system', content: fromContent(content, fromAgUiPart) }]
    if (role === 'user') return [{ role, content: fromContent(content, fromAgUiPart) }]
    if (role === 'tool') return [fromAgUiToolMessage(message)]
    if (role !== 'assistant')
      throw invalidMessageError(
        `The role of an AG-UI message must be system, developer, user, assistant or tool; received ${describeForError(given)}.`,
      )
    const calls = Array.isArray(message.toolCalls) ? message.toolCalls.map(fromToolCall).filter(({ id }) => answered.has(id)) : []
    const converted: AssistantMessage = { role, content: fromContent(content, fromAgUiPart), ...(calls.length > 0 && { toolCalls: calls }) }
    return converted.content.length === 0 && calls.length === 0 ? [] : [converted]
  })
}

/** Converts a tool's result. A client that could not run the tool reports that in `error`. */
function fromAgUiToolMessage({ content, toolCallId, error }: JsonObject): ToolMessage {
  const isError = typeof error === 'string'
  const result = fromContent(content, fromAgUiPart)
  return {
    role: 'tool',
    content: result.length === 0 && isError ? error : result,
    toolCallId: String(toolCallId),
    ...(isError && { isError }),
  }
}

function fromAgUiPart(given: unknown): Part {
  const { type, text, source } = Object(given) as JsonObject
  if (type === 'text' && typeof text === 'string') return { type, text }
  const { type: kind, value, mimeType } = Object(source) as JsonObject
  if (type === 'image' && typeof value === 'string') {
    if (kind === 'url') return { type, url: value }
    if (kind === 'data') return { type, data: value, mediaType: String(mimeType) }
  }
  throw invalidMessageError('A part must be text, or an image with data or a URL.')
}
