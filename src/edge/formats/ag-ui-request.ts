import { ChaintapError } from '../../core/errors.ts'
import type { AssistantMessage, Message, Part, ToolCall, ToolMessage } from '../../core/message.ts'
import { describeForError } from '../../core/util/describe.ts'
import { type JsonObject, parseJson } from '../../core/util/parse-json.ts'

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
    if (role === 'system' || role === 'developer') return [{ role: 'system', content: fromAgUiContent(content) }]
    if (role === 'user') return [{ role, content: fromAgUiContent(content) }]
    if (role === 'tool') return [fromAgUiToolMessage(message)]
    if (role !== 'assistant')
      throw invalidAgUiMessage(
        `A message of AG-UI has the role system, developer, user, assistant or tool, but got ${describeForError(given)}.`,
      )
    const calls = Array.isArray(message.toolCalls) ? message.toolCalls.map(fromAgUiToolCall).filter(({ id }) => answered.has(id)) : []
    const said: AssistantMessage = { role, content: fromAgUiContent(content), ...(calls.length > 0 && { toolCalls: calls }) }
    return said.content.length === 0 && calls.length === 0 ? [] : [said]
  })
}

const invalidAgUiMessage = (message: string): ChaintapError => new ChaintapError('invalid_message', message)

/** A client that could not run a tool says why in `error`. */
function fromAgUiToolMessage({ content, toolCallId, error }: JsonObject): ToolMessage {
  const isError = typeof error === 'string'
  const said = fromAgUiContent(content)
  return { role: 'tool', content: said.length === 0 && isError ? error : said, toolCallId: String(toolCallId), ...(isError && { isError }) }
}

function fromAgUiContent(content: unknown): string | readonly Part[] {
  if (typeof content === 'string') return content
  if (content === null || content === undefined) return ''
  if (!Array.isArray(content))
    throw invalidAgUiMessage(`The content of a message is a string or parts, but is ${describeForError(content)}.`)
  return content.map(fromAgUiPart)
}

function fromAgUiPart(given: unknown): Part {
  const { type, text, source } = Object(given) as JsonObject
  if (type === 'text' && typeof text === 'string') return { type, text }
  const { type: kind, value, mimeType } = Object(source) as JsonObject
  if (type === 'image' && typeof value === 'string') {
    if (kind === 'url') return { type, url: value }
    if (kind === 'data') return { type, data: value, mediaType: String(mimeType) }
  }
  throw invalidAgUiMessage('Of parts only text is taken, and image with its data or url.')
}

function fromAgUiToolCall(given: unknown): ToolCall {
  const { id, function: called } = Object(given) as JsonObject
  const { name, arguments: args } = Object(called) as JsonObject
  return { id: String(id), name: String(name), args: typeof args === 'string' ? (parseJson(args || '{}') ?? args) : args }
}
