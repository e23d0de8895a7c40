import { type Message, type Part, textOf } from '../../core/message.ts'
import { isToolSpec } from '../../schema/tool-spec.ts'
import { type CallContext, toolCallFields } from './assistant-calls.ts'

/** Converts a tool to OpenAI's format. */
export const toOpenAITool = (tool: object): object =>
  isToolSpec(tool) ? { type: 'function', function: { name: tool.name, description: tool.description, parameters: tool.jsonSchema } } : tool

/**
 * Converts a message to OpenAI's format; to none if it is a response that was stopped before its first token. Text is sent as one string,
 * which every server accepts. Omitted, because the format has no place for them: reasoning without tool calls (DeepSeek refuses its own), cache
 * control, `isError` of tool results, and images in tool results.
 */
export function toOpenAIMessages(message: Message, context: CallContext): readonly object[] {
  const { role } = message
  if (role === 'user') return [{ role, content: toOpenAIUserContent(message.content) }]
  const content = textOf(message)
  if (role === 'system') return [{ role, content }]
  if (role === 'tool') return [{ role, content, tool_call_id: message.toolCallId }]
  if (message.toolCalls?.length) return [{ role, content, ...toolCallFields(message, context) }]
  return content ? [{ role, content }] : []
}

function toOpenAIUserContent(content: string | readonly Part[]): string | readonly object[] {
  if (typeof content === 'string' || content.every(({ type }) => type === 'text')) return textOf({ content })
  return content.flatMap((part): readonly object[] => {
    switch (part.type) {
      case 'text':
        return part.text ? [{ type: 'text', text: part.text }] : []
      case 'image':
        return [{ type: 'image_url', image_url: { url: 'data' in part ? `data:${part.mediaType};base64,${part.data}` : part.url } }]
      case 'block':
        return part.provider === 'openai' ? [part.block] : []
      default:
        return []
    }
  })
}
