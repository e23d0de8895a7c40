import type { Message } from '../../core/message.ts'
import type { ToolSpec } from '../../schema/tool-spec.ts'
import { toOpenAIMessages, toOpenAITool } from '../chat-completions/messages.ts'
import type { WireRequest } from '../wire.ts'

/** What one call may be asked with; `bind` takes them too. Where a field is left out, the model's own default holds. */
export interface WorkersAICallOptions {
  /**
   * A model for chat at Workers AI. Default `@cf/zai-org/glm-4.7-flash`. Those of others (`openai/gpt-4.1-mini`) need a `gateway`, and
   * have to answer in OpenAI's format.
   *
   * @see https://developers.cloudflare.com/workers-ai/models/
   */
  readonly model?: string
  /** Most tokens of the answer. Workers AI's own default is 256 with most models. */
  readonly maxTokens?: number
  /** 0 to 2, with some models to 5. */
  readonly temperature?: number
  /** 0 to 1. */
  readonly topP?: number
  readonly topK?: number
  /** The answer ends before any of these, with models that know it. */
  readonly stop?: readonly string[]
  readonly seed?: number
  /** `low`, `medium`, `high`, with models that reason. */
  readonly reasoningEffort?: string
  /** `{ type: 'json_object' }`, or `{ type: 'json_schema', json_schema: { type: 'object', … } }`: the schema alone, without OpenAI's name around it. */
  readonly responseFormat?: object
  /** Made by `tool()`, or as OpenAI writes them: `{ type: 'function', function: { name, description, parameters } }`. */
  readonly tools?: readonly (ToolSpec | object)[]
  /** `auto` (default), `required`, `none`, or as OpenAI writes it: `{ type: 'function', function: { name: 'weather' } }`. */
  readonly toolChoice?: 'auto' | 'required' | 'none' | object
  /** Fields of the inputs as the model writes them, over all others: `lora`, `repetition_penalty`, `chat_template_kwargs` … */
  readonly modelKwargs?: Readonly<Record<string, unknown>>
}

export const workersAICallKeys: readonly (keyof WorkersAICallOptions)[] = [
  'model',
  'maxTokens',
  'temperature',
  'topP',
  'topK',
  'stop',
  'seed',
  'reasoningEffort',
  'responseFormat',
  'tools',
  'toolChoice',
  'modelKwargs',
]

/** The model that is asked where none is named. */
export const defaultWorkersAIModel = '@cf/zai-org/glm-4.7-flash'

/** What `run` of the binding is called with: its model as the path, its inputs as the body. */
export function workersAIRequest(messages: readonly Message[], options: WorkersAICallOptions, streaming: boolean): WireRequest {
  return {
    path: options.model ?? defaultWorkersAIModel,
    body: {
      messages: messages.flatMap(toOpenAIMessages),
      // JSON leaves out what is undefined.
      max_tokens: options.maxTokens,
      temperature: options.temperature,
      top_p: options.topP,
      top_k: options.topK,
      stop: options.stop,
      seed: options.seed,
      reasoning_effort: options.reasoningEffort,
      response_format: options.responseFormat,
      tools: options.tools?.map(toOpenAITool),
      tool_choice: options.toolChoice,
      stream: streaming,
      ...options.modelKwargs,
    },
  }
}
