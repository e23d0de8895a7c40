import type { Message } from '../../core/message.ts'
import type { ToolSpec } from '../../schema/tool-spec.ts'
import { toOpenAIMessages, toolFields } from '../chat-completions/messages.ts'
import type { WireRequest } from '../wire.ts'

/** Options of one call, also accepted by `bind`. For an absent option the model's own default applies. */
export interface WorkersAICallOptions {
  /**
   * A chat model at Workers AI. Models of other providers (`openai/gpt-4.1-mini`) need a `gateway` and must respond in OpenAI's format.
   *
   * @defaultValue '@cf/zai-org/glm-4.7-flash'
   * @see https://developers.cloudflare.com/workers-ai/models/
   */
  readonly model?: string
  /** Maximum tokens of the output. Workers AI's own default is 256 for most models. */
  readonly maxTokens?: number
  /** Sampling temperature, 0 to 2, for some models to 5. */
  readonly temperature?: number
  /** Nucleus sampling: the probability mass of the tokens to sample from, 0 to 1. */
  readonly topP?: number
  /** Samples only from this many most likely tokens. */
  readonly topK?: number
  /** Stop sequences: the output ends before the first of them, if the model supports it. */
  readonly stop?: readonly string[]
  /** Seed of the sampling. */
  readonly seed?: number
  /** How much a reasoning model reasons: `low`, `medium` or `high`. */
  readonly reasoningEffort?: string
  /** `{ type: 'json_object' }`, or `{ type: 'json_schema', json_schema: { type: 'object', … } }`: the schema without OpenAI's wrapper. */
  readonly responseFormat?: object
  /** Tools made by `tool()`, or in OpenAI's format: `{ type: 'function', function: { name, description, parameters } }`. */
  readonly tools?: readonly (ToolSpec | object)[]
  /**
   * `auto`, `required`, `none`, or OpenAI's format: `{ type: 'function', function: { name: 'weather' } }`.
   *
   * @defaultValue 'auto'
   */
  readonly toolChoice?: 'auto' | 'required' | 'none' | object
  /** Further inputs in the model's format, which override the others: `lora`, `repetition_penalty`, `chat_template_kwargs` … */
  readonly modelKwargs?: Readonly<Record<string, unknown>>
}

/** The keys of {@link WorkersAICallOptions}. */
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

/** The model of calls that name none. */
export const defaultWorkersAIModel = '@cf/zai-org/glm-4.7-flash'

/** Builds the arguments of the binding's `run`: the model as the path, the inputs as the body. */
export function workersAIRequest(messages: readonly Message[], options: WorkersAICallOptions, streaming: boolean): WireRequest {
  return {
    path: options.model ?? defaultWorkersAIModel,
    body: {
      messages: toOpenAIMessages(messages, { tools: options.tools, returnsExtra: true }),
      // JSON.stringify omits undefined fields.
      max_tokens: options.maxTokens,
      temperature: options.temperature,
      top_p: options.topP,
      top_k: options.topK,
      stop: options.stop,
      seed: options.seed,
      reasoning_effort: options.reasoningEffort,
      response_format: options.responseFormat,
      ...toolFields(options.tools, { tool_choice: options.toolChoice }),
      stream: streaming,
      ...options.modelKwargs,
    },
  }
}
