import { type Message, type Part, type Role, textOf } from '../../core/message.ts'
import type { JsonObject } from '../../core/util/parse-json.ts'
import { imageUrl } from '../../messages/image-source.ts'
import { unsupportedPartError } from '../../messages/invalid-message.ts'
import { pairToolResults } from '../../messages/pair-tool-results.ts'
import { isToolSpec } from '../../schema/tool-spec.ts'
import { type CallContext, toolCallFields } from './assistant-calls.ts'

/** Returns the fields of a request that are about tools. An empty list of tools, and fields without tools, are refused: none is sent. */
export const toolFields = (
  tools: readonly object[] | undefined,
  otherFields: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> => (tools?.length === 0 ? {} : { tools: tools?.map(toOpenAITool), ...otherFields })

const toOpenAITool = (tool: object): object =>
  isToolSpec(tool) ? { type: 'function', function: { name: tool.name, description: tool.description, parameters: tool.jsonSchema } } : tool

/**
 * Converts a conversation to OpenAI's format. Text is sent as one string, which every server accepts. Omitted, because the format has no
 * place for them: a response that was stopped before its first token, reasoning without tool calls (DeepSeek refuses its own), blocks that another provider
 * sent, cache control, and `isError` of tool results. A tool's result is text alone: its images follow in a user message.
 *
 * @throws ChaintapError `invalid_message` for other parts that the format has no place for.
 */
export function toOpenAIMessages(messages: readonly Message[], context: CallContext): readonly object[] {
  const sent: JsonObject[] = []
  /** The images of the tool results since the last other message. */
  let shown: JsonObject[] = []
  const sendShown = (): void => {
    if (shown.length > 0) sent.push({ role: 'user', content: shown })
    shown = []
  }
  for (const message of pairToolResults(messages)) {
    const { role } = message
    const content = toOpenAIContent(message)
    if (role !== 'tool') sendShown()
    if (role === 'tool') {
      const { toolCallId: tool_call_id } = message
      const isText = typeof content === 'string'
      const text = isText ? content : `${textOf(message)}\n(The rest of the result follows in a user message.)`.trim()
      sent.push({ role, content: text, tool_call_id })
      if (!isText)
        shown.push(toOpenAIText(`The rest of the result of tool call ${tool_call_id}:`), ...content.filter(({ type }) => type !== 'text'))
    } else if (role !== 'assistant') sent.push({ role, content })
    else if (message.toolCalls?.length) sent.push({ role, content, ...toolCallFields(message, context) })
    else if (content.length > 0) sent.push({ role, content })
  }
  sendShown()
  return sent
}

const toOpenAIText = (text: string): JsonObject => ({ type: 'text', text })

/** Returns a string if a message has only text, otherwise its parts. */
function toOpenAIContent(message: Message): string | readonly JsonObject[] {
  const { content, role } = message
  if (typeof content === 'string') return content
  const others = content.filter((part) => part.type !== 'text' && !isForeign(part, role))
  if (others.length === 0) return textOf(message)
  return content.flatMap((part) => toOpenAIParts(part, role))
}

/** Whether a part of a response is of another provider, or reasoning: working notes that this format has no place for. */
const isForeign = (part: Part, role: Role): boolean =>
  role === 'assistant' && (part.type === 'reasoning' || (part.type === 'block' && part.provider !== 'openai'))

function toOpenAIParts(part: Part, role: Role): readonly JsonObject[] {
  if (part.type === 'text') return part.text ? [toOpenAIText(part.text)] : []
  if (part.type === 'image' && (role === 'user' || role === 'tool')) return [{ type: 'image_url', image_url: { url: imageUrl(part) } }]
  if (part.type === 'block' && part.provider === 'openai') return [part.block]
  if (isForeign(part, role)) return []
  throw unsupportedPartError('The Chat Completions format', part, role)
}
