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
import { type AnthropicCallOptions, anthropicCallKeys } from './request.ts'
import { anthropicWire } from './wire.ts'

export type { OnTruncated } from '../http/transport.ts'
export type { ChatGeneration, Generation, LLMResult, ModelOptions } from '../model.ts'
export type { AnthropicCallOptions } from './request.ts'

/** As much of an official client as is used, e.g. of `new Anthropic()` from `@anthropic-ai/sdk`. */
export interface AnthropicClient extends SdkClient {
  readonly messages: SdkEndpoint
}

/** Options of {@link ChatAnthropic}. */
export interface ChatAnthropicOptions extends AnthropicCallOptions, ModelOptions {
  /** An official client, `new Anthropic()`, to send the requests instead of `fetch`; it has the key, the address and the headers then. */
  readonly client?: AnthropicClient
}

/**
 * Claude, by Anthropic's Messages API (LangChain's ChatAnthropic): messages in, an assistant message out, Deltas while it streams.
 *
 * @throws ChaintapError `missing_key`, `key_in_browser` or `invalid_options` when constructed; its runs fail with ModelError (`http`, `wire`),
 *   ChaintapError (`network`, `event_too_large`) or TruncatedError.
 *
 * @example
 * const model = new ChatAnthropic({ apiKey: env.ANTHROPIC_API_KEY, model: 'claude-haiku-4-5' })
 * for await (const delta of model.stream('Why is the sky blue?')) if (delta.type === 'text') write(delta.text)
 */
export class ChatAnthropic extends ChatModel<AnthropicCallOptions> {
  readonly name = 'ChatAnthropic'
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

  open(messages: readonly Message[], run: RunHandle): Flow<Delta> {
    return streamCompletion(this, anthropicWire, messages, run)
  }
}

const anthropicProvider: Provider<ChatAnthropicOptions> = {
  name: 'Anthropic',
  baseURL: 'https://api.anthropic.com',
  keyHint: '{ apiKey: env.ANTHROPIC_API_KEY }, or { client: new Anthropic() }',
  headers: (key, { dangerouslyAllowBrowser }) => ({
    // The SDK has gone on to 2026-10-21, which no longer takes temperature, topP and topK; compatible servers know this one.
    'anthropic-version': '2023-06-01',
    'x-api-key': key,
    ...(dangerouslyAllowBrowser && { 'anthropic-dangerous-direct-browser-access': 'true' }),
  }),
}
