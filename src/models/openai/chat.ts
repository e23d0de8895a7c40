import type { Message } from '../../core/message.ts'
import type { ToolSpec } from '../../schema/tool-spec.ts'
import { OpenAIDecoder, parseOpenAIError } from '../chat-completions/decoder.ts'
import { toOpenAIMessages, toOpenAITool } from '../chat-completions/messages.ts'
import type { Wire } from '../wire.ts'
import type { OpenAIConnection } from './connection.ts'
import { type OpenAICallOptions, openaiCallKeys, openaiRequestBody } from './request.ts'

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

export const chatOpenAICallKeys: readonly (keyof ChatOpenAICallOptions)[] = [
  ...openaiCallKeys,
  'reasoningEffort',
  'responseFormat',
  'tools',
  'toolChoice',
  'parallelToolCalls',
]

/** OpenAI's Chat Completions API, `POST /chat/completions`: https://platform.openai.com/docs/api-reference/chat. Many servers speak it. */
export const openaiChatWire: Wire<ChatOpenAICallOptions, readonly Message[], OpenAIConnection> = {
  request(messages, options, streaming, { maxTokensField, streamOptions }) {
    const { model = 'gpt-5.5', maxTokens, reasoningEffort, responseFormat, tools, toolChoice, parallelToolCalls } = options
    const particular = {
      model,
      messages: messages.flatMap(toOpenAIMessages),
      [maxTokensField]: maxTokens,
      reasoning_effort: reasoningEffort,
      response_format: responseFormat,
      tools: tools?.map(toOpenAITool),
      tool_choice: toolChoice,
      parallel_tool_calls: parallelToolCalls,
    }
    return { path: '/chat/completions', body: openaiRequestBody(options, particular, streaming, streamOptions) }
  },
  decoder: () => new OpenAIDecoder(),
  parseError: parseOpenAIError,
}
