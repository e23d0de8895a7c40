import type { AssistantMessage, ToolCall } from '../../core/message.ts'
import type { JsonObject } from '../../core/util/parse-json.ts'
import { wellFormedJson } from '../../core/util/well-formed-json.ts'
import { argumentsObject } from '../../messages/arguments.ts'

/** What the conversion of tool calls depends on. */
export interface CallContext {
  /** The tools of the request: calls of custom tools have a format of their own. */
  readonly tools?: readonly object[] | undefined
  /** Whether to return the fields that compatible servers add. OpenAI itself sends none, and refuses fields that it does not know. */
  readonly returnsExtra: boolean
}

/** Returns the fields of a message with tool calls: the calls, and what the server sent with them and expects back. */
export function toolCallFields(message: AssistantMessage, { tools, returnsExtra }: CallContext): JsonObject {
  const customTools = new Set(tools?.map((tool) => (Object(tool) as { readonly custom?: { readonly name?: string } }).custom?.name))
  const toOpenAIToolCall = ({ id, name, args, extra }: ToolCall): JsonObject =>
    typeof args === 'string' && customTools.has(name)
      ? { id, type: 'custom', custom: { name, input: args } }
      : {
          id,
          type: 'function',
          // Most servers parse the arguments, and refuse what is not an object.
          function: { name, arguments: wellFormedJson(argumentsObject(args)) },
          ...(returnsExtra && extra?.extra_content ? { extra_content: extra.extra_content } : {}),
        }
  return { ...(returnsExtra && reasoningFields(message)), tool_calls: message.toolCalls?.map(toOpenAIToolCall) }
}

/** The reasoning in the field in which it came: without it OpenRouter's models lose it, and Kimi and DeepSeek refuse the request. */
function reasoningFields({ content, extra = {} }: AssistantMessage): JsonObject {
  if (extra.reasoning_details) return { reasoning_details: extra.reasoning_details }
  if (extra.reasoning_field !== 'reasoning_content' || typeof content === 'string') return {}
  return { reasoning_content: content.map((part) => (part.type === 'reasoning' ? part.text : '')).join('') }
}
