import { lazyConsoleHandler } from '../console/lazy.ts'
import type { Delta } from '../core/delta.ts'
import type { AssistantMessage, Message } from '../core/message.ts'
import type { ModelRequest } from '../core/model-request.ts'
import type { RunOptions } from '../core/options.ts'
import type { OwnOptions } from '../core/run/scope.ts'
import { Runnable } from '../core/runnable/runnable.ts'
import { type ChatInput, toMessages } from '../messages/coerce.ts'
import {
  bindOptions,
  type ChatGeneration,
  chatGeneration,
  describeRequest,
  generate,
  type LLMResult,
  type ModelOptions,
  pickOptions,
} from './model.ts'

/**
 * Base class of the providers' chat models: takes messages, returns an assistant message and streams Deltas. Subclasses add `open`.
 *
 * @typeParam CallOptions - the options of one call
 *
 * @example
 * const precise = (chat: ChatModel<ChatOpenAICallOptions>) => chat.bind({ temperature: 0, seed: 1 })
 * const { content } = await precise(new ChatOpenAI({ apiKey })).invoke('What is 17 + 4?')
 */
export abstract class ChatModel<CallOptions extends object> extends Runnable<ChatInput, AssistantMessage, Delta> {
  /** Its kind in events. */
  readonly kind = 'chat_model'
  /** The options of each call. The API key and other constructor options are not among them. */
  readonly options: CallOptions
  /** The model of calls that name none. @internal */
  protected readonly defaultModel?: string

  constructor(options: CallOptions & OwnOptions & Pick<ModelOptions, 'verbose'>, callKeys: readonly (keyof CallOptions)[]) {
    super(options)
    this.options = pickOptions<CallOptions>(options, callKeys)
    if (options.verbose) this.lazyCallbacks = lazyConsoleHandler
  }

  /** Returns a copy of this model with other call options, merged over its own. */
  bind(options: CallOptions): this {
    return bindOptions(this, options)
  }

  /**
   * Answers each input in a run of its own, `maxConcurrency` at a time. The first failure aborts the other runs and is thrown.
   *
   * @example
   * const { generations, usage } = await model.generate(['Tell me a joke.', 'Tell me a poem.'])
   */
  generate(inputs: readonly ChatInput[], options: RunOptions = {}): Promise<LLMResult<ChatGeneration>> {
    return generate(this, inputs, options, chatGeneration)
  }

  /** What its calls ask of the provider. */
  override modelRequest(): ModelRequest {
    return describeRequest(this.options, this.defaultModel)
  }

  /** Converts the input to messages. */
  override prepare(input: ChatInput): readonly Message[] {
    return toMessages(input)
  }
}
