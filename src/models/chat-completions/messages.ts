import { type AssistantMessage, type Message, type Part, textOf } from '../../core/message.ts'
import { isToolSpec } from '../../schema/tool-spec.ts'

/** A tool as OpenAI writes it. */
export const toOpenAITool = (tool: object): object =>
  isToolSpec(tool) ? { type: 'function', function: { name: tool.name, description: tool.description, parameters: tool.jsonSchema } } : tool

/**
 * A message as OpenAI writes it; none for an answer that was stopped before it said anything. Text goes as one string, which every
 * server takes. Left out is what has no place here: reasoning (DeepSeek refuses its own), marks for a cache, that a tool's result is an
 * error, and images in it.
 */
export function toOpenAIMessages(message: Message): readonly object[] {
  const { role } = message
  if (role === 'user') return [{ role, content: toOpenAIUserContent(message.content) }]
  const content = textOf(message)
  if (role === 'system') return [{ role, content }]
  if (role === 'tool') return [{ role, content, tool_call_id: message.toolCallId }]
  const { toolCalls = [] } = message
  if (toolCalls.length > 0) return [{ role, content, tool_calls: toolCalls.map(toOpenAIToolCall) }]
  return content ? [{ role, content }] : []
}

const toOpenAIToolCall = ({ id, name, args }: NonNullable<AssistantMessage['toolCalls']>[number]): object => ({
  id,
  type: 'function',
  // Arguments that did not parse are a string, and go back as they came.
  function: { name, arguments: typeof args === 'string' ? args : JSON.stringify(args ?? {}) },
})

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
