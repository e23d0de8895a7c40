import { ChaintapError } from '../../core/errors.ts'
import type { Message, Part, ToolCall } from '../../core/message.ts'
import { describeForError } from '../../core/util/describe.ts'
import { type JsonObject, parseJson } from '../../core/util/parse-json.ts'

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
  if (messages.length === 0) throw invalidOpenAIMessage('messages is empty: write at least one.')
  return messages.map((given) => {
    const { role, content, tool_calls, tool_call_id } = Object(given) as JsonObject
    const said = fromOpenAIContent(content)
    if (role === 'system' || role === 'developer') return { role: 'system', content: said }
    if (role === 'user') return { role, content: said }
    if (role === 'tool') return { role, content: said, toolCallId: String(tool_call_id) }
    if (role !== 'assistant')
      throw invalidOpenAIMessage(
        `A message is { role, content }, its role system, developer, user, assistant or tool, but got ${describeForError(given)}.`,
      )
    return { role, content: said, ...(Array.isArray(tool_calls) && { toolCalls: tool_calls.map(fromOpenAIToolCall) }) }
  })
}

const invalidOpenAIMessage = (message: string): ChaintapError => new ChaintapError('invalid_message', message)

function fromOpenAIContent(content: unknown): string | readonly Part[] {
  if (typeof content === 'string') return content
  if (content === null || content === undefined) return ''
  if (!Array.isArray(content))
    throw invalidOpenAIMessage(`The content of a message is a string or parts, but is ${describeForError(content)}.`)
  return content.map(fromOpenAIPart)
}

function fromOpenAIPart(given: unknown): Part {
  const { type, text, refusal, image_url } = Object(given) as JsonObject
  if (type === 'text' && typeof text === 'string') return { type, text }
  if (type === 'refusal' && typeof refusal === 'string') return { type: 'text', text: refusal }
  const { url } = Object(image_url) as JsonObject
  if (type === 'image_url' && typeof url === 'string') return { type: 'image', url }
  throw invalidOpenAIMessage('Of parts only text and image_url are taken.')
}

function fromOpenAIToolCall(given: unknown): ToolCall {
  const { id, function: called } = Object(given) as JsonObject
  const { name, arguments: args } = Object(called) as JsonObject
  return { id: String(id), name: String(name), args: typeof args === 'string' ? (parseJson(args || '{}') ?? args) : args }
}
