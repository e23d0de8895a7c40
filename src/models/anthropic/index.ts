import type { Delta } from '../../core/delta.ts'
import type { Flow } from '../../core/flow/flow.ts'
import type { Message } from '../../core/message.ts'
import type { RunHandle } from '../../core/run/run-handle.ts'
import { ChatModel } from '../chat-model.ts'
import { connectToProvider, type Provider } from '../http/connection.ts'
import { streamCompletion } from '../http/http.ts'
import { type SdkClient, type SdkEndpoint, sdkTransport } from '../http/sdk-transport.ts'
import type { ModelConnection } from '../http/transport.ts'
import type { ModelOptions } from '../model.ts'
import { type AnthropicCallOptions, anthropicCallKeys, defaultAnthropicModel } from './request.ts'
import { anthropicWire } from './wire.ts'

export type { ChatModel } from '../chat-model.ts'
export type { SdkClient, SdkEndpoint } from '../http/sdk-transport.ts'
export type { OnTruncated } from '../http/transport.ts'
export type { ChatGeneration, Generation, LLMResult, ModelOptions } from '../model.ts'
export type { AnthropicCallOptions } from './request.ts'

/** The part of an official client that ChatAnthropic uses, e.g. of `new Anthropic()` from `@anthropic-ai/sdk`. */
export interface AnthropicClient extends SdkClient {
  /** The Messages API. */
  readonly messages: SdkEndpoint
}

/** Options of {@link ChatAnthropic}. */
export interface ChatAnthropicOptions extends AnthropicCallOptions, ModelOptions {
  /**
   * An official client, `new Anthropic()`, that sends the requests instead of `fetch`. It provides the API key, URL and headers.
   *
   * The client follows redirects, also to other origins, and reads refusals with its own time limit. Create it with
   * `fetchOptions: { redirect: 'error' }` (in Workers `'manual'`) to follow none.
   */
  readonly client?: AnthropicClient
}

/**
 * Claude, by Anthropic's Messages API (LangChain's ChatAnthropic): takes messages, returns an assistant message and streams Deltas.
 *
 * @throws ChaintapError `missing_key`, `key_in_browser` or `invalid_options` from the constructor. Runs fail with ModelError (`http`,
 *   `wire`), ChaintapError (`network`, `event_too_large`) or TruncatedError.
 *
 * @example
 * const model = new ChatAnthropic({ apiKey: env.ANTHROPIC_API_KEY, model: 'claude-haiku-4-5' })
 * for await (const delta of model.stream('Why is the sky blue?')) if (delta.type === 'text') show(delta.text)
 */
export class ChatAnthropic extends ChatModel<AnthropicCallOptions> {
  /** Its name in events and errors. */
  readonly name = 'ChatAnthropic'
  protected override readonly defaultModel: string = defaultAnthropicModel
  /** How it reaches Anthropic. `bind` and `withConfig` share it with their copies. @internal */
  readonly connection: ModelConnection

  constructor(options: ChatAnthropicOptions = {}) {
    super(options, anthropicCallKeys)
    const { client } = options
    this.connection = connectToProvider(
      this.name,
      anthropicProvider,
      options,
      client && (() => sdkTransport(anthropicProvider.name, client, client.messages)),
    )
  }

  /** Requests one response. Called by the run. */
  open(messages: readonly Message[], run: RunHandle): Flow<Delta> {
    return streamCompletion(this, anthropicWire, messages, run)
  }
}

const anthropicProvider: Provider<ChatAnthropicOptions> = {
  name: 'Anthropic',
  baseURL: 'https://api.anthropic.com',
  keyHint: '{ apiKey: env.ANTHROPIC_API_KEY }, or { client: new Anthropic() }',
  headers: (key, { dangerouslyAllowBrowser }) => ({
    // The SDK uses 2026-10-21, which no longer accepts temperature, topP and topK. Compatible servers know this version.
    'anthropic-version': '2023-06-01',
    'x-api-key': key,
    ...(dangerouslyAllowBrowser && { 'anthropic-dangerous-direct-browser-access': 'true' }),
  }),
}
