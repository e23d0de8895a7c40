import type { AssistantMessage, Message, Part, ToolMessage } from '../../core/message.ts'
import { describeForError } from '../../core/util/describe.ts'
import type { JsonObject } from '../../core/util/parse-json.ts'
import { invalidMessageError } from '../../messages/invalid-message.ts'
import { fromContent, fromToolCall } from './request-message.ts'

/**
 * A conversation of AG-UI as a chat model takes it. Calls of tools that were never answered, reasoning and activities are left out: no
 * provider takes them back in this form.
 *
 * @throws ChaintapError `invalid_message` for another form, and for media other than images.
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
        `A message of AG-UI has the role system, developer, user, assistant or tool, but got ${describeForError(given)}.`,
      )
    const calls = Array.isArray(message.toolCalls) ? message.toolCalls.map(fromToolCall).filter(({ id }) => answered.has(id)) : []
    const said: AssistantMessage = { role, content: fromContent(content, fromAgUiPart), ...(calls.length > 0 && { toolCalls: calls }) }
    return said.content.length === 0 && calls.length === 0 ? [] : [said]
  })
}

/** A client that could not run a tool says why in `error`. */
function fromAgUiToolMessage({ content, toolCallId, error }: JsonObject): ToolMessage {
  const isError = typeof error === 'string'
  const said = fromContent(content, fromAgUiPart)
  return { role: 'tool', content: said.length === 0 && isError ? error : said, toolCallId: String(toolCallId), ...(isError && { isError }) }
}

function fromAgUiPart(given: unknown): Part {
  const { type, text, source } = Object(given) as JsonObject
  if (type === 'text' && typeof text === 'string') return { type, text }
  const { type: kind, value, mimeType } = Object(source) as JsonObject
  if (type === 'image' && typeof value === 'string') {
    if (kind === 'url') return { type, url: value }
    if (kind === 'data') return { type, data: value, mediaType: String(mimeType) }
  }
  throw invalidMessageError('Of parts only text is taken, and image with its data or url.')
}
