import type { Message } from '../../core/message.ts'
import { withAcceptedIds } from '../../messages/accepted-ids.ts'
import type { ToolSpec } from '../../schema/tool-spec.ts'
import { reportedError } from '../../tokens/answer/reported-error.ts'
import { OpenAIDecoder } from '../chat-completions/decoder.ts'
import { toOpenAIMessages, toolFields } from '../chat-completions/messages.ts'
import type { Wire } from '../wire.ts'
import type { OpenAIConnection } from './connection.ts'
import { type OpenAICallOptions, openaiCallKeys, openaiRequestBody } from './request.ts'

/** Options of one call, also accepted by `bind`. For an absent option the server's own default applies. */
export interface ChatOpenAICallOptions extends OpenAICallOptions {
  /**
   * The model's name. Compatible servers have models of their own.
   *
   * @defaultValue 'gpt-5.5'
   */
  readonly model?: string
  /**
   * Maximum tokens of the output, reasoning included. Sent to OpenAI and Azure as `max_completion_tokens`, to other servers as
   * `max_tokens`. If your proxy or server needs the other field, put it into `modelKwargs`.
   */
  readonly maxTokens?: number
  /** How much the model reasons: `none`, `minimal`, `low`, `medium`, `high` or another value that the model supports. */
  readonly reasoningEffort?: string
  /** In OpenAI's format: `{ type: 'json_object' }`, or `{ type: 'json_schema', json_schema: { name, schema, strict: true } }`. */
  readonly responseFormat?: object
  /** Tools made by `tool()`, or in OpenAI's format: `{ type: 'function', function: { name, description, parameters } }`. */
  readonly tools?: readonly (ToolSpec | object)[]
  /**
   * `auto`, `required`, `none`, or OpenAI's format: `{ type: 'function', function: { name: 'weather' } }`.
   *
   * @defaultValue 'auto'
   */
  readonly toolChoice?: 'auto' | 'required' | 'none' | object
  /** Whether one response may call several tools. */
  readonly parallelToolCalls?: boolean
}

/** The keys of {@link ChatOpenAICallOptions}. */
export const chatOpenAICallKeys: readonly (keyof ChatOpenAICallOptions)[] = [
  ...openaiCallKeys,
  'reasoningEffort',
  'responseFormat',
  'tools',
  'toolChoice',
  'parallelToolCalls',
]

/** The model of calls that name none. */
export const defaultChatModel = 'gpt-5.5'

/** The format of OpenAI's Chat Completions API, `POST /chat/completions`: https://platform.openai.com/docs/api-reference/chat. */
export const openaiChatWire: Wire<ChatOpenAICallOptions, readonly Message[], OpenAIConnection> = {
  request(messages, options, streaming, { maxTokensField, streamOptions, acceptedIds }) {
    const { model = defaultChatModel, maxTokens, reasoningEffort, responseFormat, tools, toolChoice, parallelToolCalls } = options
    const context = { tools, returnsExtra: maxTokensField === 'max_tokens' }
    const chatFields = {
      model,
      messages: toOpenAIMessages(withAcceptedIds(messages, acceptedIds), context),
      [maxTokensField]: maxTokens,
      reasoning_effort: reasoningEffort,
      response_format: responseFormat,
      ...toolFields(tools, { tool_choice: toolChoice, parallel_tool_calls: parallelToolCalls }),
    }
    return { path: '/chat/completions', body: openaiRequestBody(options, chatFields, streaming, streamOptions) }
  },
  decoder: (isStream, messages) => new OpenAIDecoder(isStream, messages),
  parseError: reportedError,
}
