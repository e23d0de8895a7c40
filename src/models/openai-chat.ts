import { type AssistantMessage, type Message, type Part, textOf } from '../core/message.ts'
import { isToolSpec, type ToolSpec } from '../schema/tool-spec.ts'
import { OpenAIDecoder, openaiComplaint } from './openai-answer.ts'
import type { OpenAIConnection } from './openai-connect.ts'
import { bodyOf, callKeys, type OpenAICallOptions } from './openai-request.ts'
import type { Wire } from './wire.ts'

/** What one call may be asked with; `bind` takes them too. Where a field is left out, the server's own default holds. */
export interface ChatOpenAICallOptions extends OpenAICallOptions {
  /** Default `gpt-5.5`. Compatible servers have models of their own. */
  readonly model?: string
  /**
   * Most tokens of the answer, reasoning included. OpenAI and Azure call it `max_completion_tokens`, other servers `max_tokens`; behind a
   * proxy of your own, or for a server that wants the other word, write it into `modelKwargs`.
   */
  readonly maxTokens?: number
  /** `none`, `minimal`, `low`, `medium`, `high` and more, as the model has it. */
  readonly reasoningEffort?: string
  /** As OpenAI writes it: `{ type: 'json_object' }`, or `{ type: 'json_schema', json_schema: { name, schema, strict: true } }`. */
  readonly responseFormat?: object
  /** Made by `tool()`, or as OpenAI writes them: `{ type: 'function', function: { name, description, parameters } }`. */
  readonly tools?: readonly (ToolSpec | object)[]
  /** `auto` (default), `required`, `none`, or as OpenAI writes it: `{ type: 'function', function: { name: 'weather' } }`. */
  readonly toolChoice?: 'auto' | 'required' | 'none' | object
  /** Whether one answer may call several tools. */
  readonly parallelToolCalls?: boolean
}

export const chatKeys: readonly (keyof ChatOpenAICallOptions)[] = [
  ...callKeys,
  'reasoningEffort',
  'responseFormat',
  'tools',
  'toolChoice',
  'parallelToolCalls',
]

/** OpenAI's Chat Completions API, `POST /chat/completions`: https://platform.openai.com/docs/api-reference/chat. Many servers speak it. */
export const openaiChat: Wire<ChatOpenAICallOptions, readonly Message[], OpenAIConnection> = {
  request(messages, options, streaming, { maxTokensField, streamOptions }) {
    const { model = 'gpt-5.5', maxTokens, reasoningEffort, responseFormat, tools, toolChoice, parallelToolCalls } = options
    const particular = {
      model,
      messages: messages.flatMap(turn),
      [maxTokensField]: maxTokens,
      reasoning_effort: reasoningEffort,
      response_format: responseFormat,
      tools: tools?.map(toolOf),
      tool_choice: toolChoice,
      parallel_tool_calls: parallelToolCalls,
    }
    return { path: '/chat/completions', body: bodyOf(options, particular, streaming, streamOptions) }
  },
  decoder: () => new OpenAIDecoder(),
  complaint: openaiComplaint,
}

const toolOf = (tool: object): object =>
  isToolSpec(tool) ? { type: 'function', function: { name: tool.name, description: tool.description, parameters: tool.jsonSchema } } : tool

/**
 * A message as OpenAI writes it; none for an answer that was stopped before it said anything. Text goes as one string, which every
 * server takes. Left out is what has no place here: reasoning (DeepSeek refuses its own), marks for a cache, that a tool's result is an
 * error, and images in it.
 */
function turn(message: Message): readonly object[] {
  const { role } = message
  if (role === 'user') return [{ role, content: userContent(message.content) }]
  const content = textOf(message)
  if (role === 'system') return [{ role, content }]
  if (role === 'tool') return [{ role, content, tool_call_id: message.toolCallId }]
  const { toolCalls = [] } = message
  if (toolCalls.length > 0) return [{ role, content, tool_calls: toolCalls.map(wireCall) }]
  return content ? [{ role, content }] : []
}

const wireCall = ({ id, name, args }: NonNullable<AssistantMessage['toolCalls']>[number]): object => ({
  id,
  type: 'function',
  // Arguments that did not parse are a string, and go back as they came.
  function: { name, arguments: typeof args === 'string' ? args : JSON.stringify(args ?? {}) },
})

function userContent(content: string | readonly Part[]): string | readonly object[] {
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
