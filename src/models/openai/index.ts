import { lazyConsoleHandler } from '../../console/lazy.ts'
import type { Delta } from '../../core/delta.ts'
import type { Flow } from '../../core/flow/flow.ts'
import { textFold } from '../../core/flow/fold.ts'
import type { Stage } from '../../core/flow/link.ts'
import { messagesAsText } from '../../core/handler/methods.ts'
import type { Message } from '../../core/message.ts'
import type { ModelRequest } from '../../core/model-request.ts'
import type { RunOptions } from '../../core/options.ts'
import type { RunHandle } from '../../core/run/run-handle.ts'
import { Runnable } from '../../core/runnable/runnable.ts'
import { type ChatInput, toMessages } from '../../messages/coerce.ts'
import { unsupportedPartError } from '../../messages/invalid-message.ts'
import { ChatModel } from '../chat-model.ts'
import { streamCompletion } from '../http/http.ts'
import { bindOptions, describeRequest, type Generation, generate, type LLMResult, pickOptions } from '../model.ts'
import { type ChatOpenAICallOptions, chatOpenAICallKeys, defaultChatModel, openaiChatWire } from './chat.ts'
import { defaultCompletionsModel, openaiCompletionsWire } from './completions.ts'
import { createOpenAIConnection, type OpenAIConnection, type OpenAIModelOptions } from './connection.ts'
import { type OpenAICallOptions, openaiCallKeys } from './request.ts'

export type { ChatModel } from '../chat-model.ts'
export type { SdkClient, SdkEndpoint } from '../http/sdk-transport.ts'
export type { OnTruncated } from '../http/transport.ts'
export type { ChatGeneration, Generation, LLMResult, ModelOptions } from '../model.ts'
export type { ChatOpenAICallOptions } from './chat.ts'
export type { OpenAIClient, OpenAIModelOptions } from './connection.ts'
export type { OpenAICallOptions } from './request.ts'

/** Options of {@link ChatOpenAI}. */
export interface ChatOpenAIOptions extends ChatOpenAICallOptions, OpenAIModelOptions {}

/** Options of {@link OpenAI}. */
export interface OpenAIOptions extends OpenAICallOptions, OpenAIModelOptions {}

/**
 * A chat model by OpenAI's Chat Completions API (LangChain's ChatOpenAI), at OpenAI or, with `baseURL`, at any compatible server: takes
 * messages, returns an assistant message and streams Deltas.
 *
 * OpenAI accepts calls from web pages of any origin; only this library requires `dangerouslyAllowBrowser: true`. Your own server must allow
 * the page's origin (CORS).
 *
 * @throws ChaintapError `missing_key`, `key_in_browser` or `invalid_options` from the constructor. Runs fail with ModelError (`http`,
 *   `wire`), ChaintapError (`network`, `event_too_large`) or TruncatedError.
 *
 * @example
 * const model = new ChatOpenAI({ apiKey: env.OPENAI_API_KEY })
 * const local = new ChatOpenAI({ apiKey: 'none', baseURL: 'http://localhost:11434/v1', model: 'qwen3' })
 * for await (const delta of model.stream('Why is the sky blue?')) if (delta.type === 'text') show(delta.text)
 */
export class ChatOpenAI extends ChatModel<ChatOpenAICallOptions> {
  /** Its name in events and errors. */
  readonly name = 'ChatOpenAI'
  protected override readonly defaultModel: string = defaultChatModel
  /** How it reaches its server. `bind` and `withConfig` share it with their copies. @internal */
  readonly connection: OpenAIConnection

  constructor(options: ChatOpenAIOptions = {}) {
    super(options, chatOpenAICallKeys)
    this.connection = createOpenAIConnection(this.name, options, ({ chat }) => chat.completions)
  }

  /** Requests one response. Called by the run. */
  open(messages: readonly Message[], run: RunHandle): Flow<Delta> {
    return streamCompletion(this, openaiChatWire, messages, run)
  }
}

/**
 * A text model by OpenAI's Completions API (LangChain's OpenAI), at OpenAI or at a compatible server: takes a text, returns its
 * continuation and streams strings. Messages are converted to text, one line each: `Human: hello`.
 *
 * @throws ChaintapError `missing_key`, `key_in_browser` or `invalid_options` from the constructor. Runs fail as those of
 *   {@link ChatOpenAI}.
 *
 * @example
 * const llm = new OpenAI({ apiKey: env.OPENAI_API_KEY, temperature: 0, streaming: true })
 * const { generations, usage } = await llm.generate(['Tell me a joke.', 'Tell me a poem.'])
 */
export class OpenAI extends Runnable<ChatInput, string, string> {
  /** Its name in events and errors. */
  readonly name = 'OpenAI'
  /** Its kind in events. */
  readonly kind = 'llm'
  /** The options of each call. The API key and other constructor options are not among them. */
  readonly options: OpenAICallOptions
  /** How it reaches its server. `bind` and `withConfig` share it with their copies. @internal */
  readonly connection: OpenAIConnection

  constructor(options: OpenAIOptions = {}) {
    super(options)
    this.options = pickOptions(options, openaiCallKeys)
    this.connection = createOpenAIConnection(this.name, options, ({ completions }) => completions)
    if (options.verbose) this.lazyCallbacks = lazyConsoleHandler
  }

  /** Returns a copy of this model with other call options, merged over its own. */
  bind(options: OpenAICallOptions): this {
    return bindOptions(this, options)
  }

  /** Continues each text in a run of its own, `maxConcurrency` at a time. The first failure aborts the other runs and is thrown. */
  generate(inputs: readonly ChatInput[], options: RunOptions = {}): Promise<LLMResult> {
    return generate(this, inputs, options, (output): Generation => ({ text: output }))
  }

  /** What its calls ask of the server. */
  override modelRequest(): ModelRequest {
    return describeRequest(this.options, defaultCompletionsModel)
  }

  /** Converts the input to text. */
  override prepare(input: ChatInput): string {
    if (typeof input === 'string') return input
    const messages = toMessages(input)
    for (const { role, content } of messages) {
      const other = role !== 'assistant' && typeof content !== 'string' && content.find(({ type }) => type !== 'text')
      if (other) throw unsupportedPartError('The Completions format', other, role)
    }
    return messagesAsText(messages)
  }

  /** Requests one response. Called by the run. */
  open(prompt: string, run: RunHandle): Flow<string> {
    return streamCompletion(this, openaiCompletionsWire, prompt, run).through(textDeltaStage(run), textFold)
  }
}

/** Passes the text of Deltas on as strings, and records usage and metadata in the run. */
const textDeltaStage = (run: RunHandle): Stage<Delta, string> => ({
  transform(delta, controller) {
    if (delta.type === 'text') controller.enqueue(delta.text)
    if (delta.type === 'usage') run.report({ usage: delta.usage })
    if (delta.type === 'meta') run.report({ answered: delta })
  },
})
