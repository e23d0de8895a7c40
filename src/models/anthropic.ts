import type { Delta } from '../core/delta.ts'
import { ChaintapError } from '../core/errors.ts'
import type { Handler } from '../core/event.ts'
import type { Flow } from '../core/flow.ts'
import type { AssistantMessage, Message } from '../core/message.ts'
import type { OpenRun } from '../core/run.ts'
import { Runnable } from '../core/runnable.ts'
import { type ChatInput, toMessages } from '../messages/coerce.ts'
import type { OnTruncated } from './answer.ts'
import { type AnthropicClient, clientLine } from './anthropic-client.ts'
import { type AnthropicCallOptions, callOptions } from './anthropic-request.ts'
import { anthropicWire } from './anthropic-wire.ts'
import { answer, fetchLine, type Line, type Transport } from './http.ts'
import { cleanCause, redactor } from './secrets.ts'

export type { OnTruncated } from './answer.ts'
export type { AnthropicClient } from './anthropic-client.ts'
export type { AnthropicCallOptions } from './anthropic-request.ts'

/** Options of {@link ChatAnthropic}. */
export interface ChatAnthropicOptions extends AnthropicCallOptions {
  /** The key, or what gives it; that is asked before each attempt. Not kept where it could be printed. */
  readonly apiKey?: string | (() => string | Promise<string>) | undefined
  /** Default `https://api.anthropic.com`. */
  readonly baseURL?: string
  /** Sent with each request, over the library's own. */
  readonly headers?: Readonly<Record<string, string>>
  /** Default: the engine's own. */
  readonly fetch?: typeof globalThis.fetch
  /** How often a call is tried again before its answer has begun. Default 2. */
  readonly maxRetries?: number
  /** What an answer is that ends without Anthropic's own end: an `error` (default), or to `accept` as it is. */
  readonly onTruncated?: OnTruncated
  /** Allows for a page: everyone who opens it can read the key. */
  readonly dangerouslyAllowBrowser?: boolean
  /** Asks for a stream on `invoke` too, so that tokens are heard there. `stream` and `events` always do. */
  readonly streaming?: boolean
  /** An official client, `new Anthropic()`, to send the requests instead of `fetch`; it has the key, the address and the headers then. */
  readonly client?: AnthropicClient
  /** Hear this model's own runs. */
  readonly callbacks?: readonly Handler[]
  readonly tags?: readonly string[]
  readonly metadata?: Readonly<Record<string, unknown>>
  /** Prints this model's runs to the console. */
  readonly verbose?: boolean
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
export class ChatAnthropic extends Runnable<ChatInput, AssistantMessage, Delta> {
  readonly name = 'ChatAnthropic'
  readonly kind = 'chat_model'
  override readonly callbacks: readonly Handler[] | undefined
  override readonly tags: readonly string[] | undefined
  override readonly metadata: Readonly<Record<string, unknown>> | undefined
  override readonly lateCallbacks?: () => Promise<readonly Handler[]>
  /** What each call asks for. */
  readonly options: AnthropicCallOptions
  readonly streaming: boolean
  readonly maxRetries: number
  readonly onTruncated: OnTruncated
  /** A closure, which no console and no JSON shows: it holds the key. */
  readonly transport: Transport

  constructor(options: ChatAnthropicOptions = {}) {
    super()
    const { callbacks, tags, metadata, verbose, streaming = false, maxRetries = 2, onTruncated = 'error' } = options
    this.callbacks = callbacks
    this.tags = tags
    this.metadata = metadata
    this.options = callOptions(options)
    this.streaming = streaming
    this.maxRetries = checkedRetries(maxRetries)
    this.onTruncated = onTruncated
    this.transport = transportOf(options)
    if (verbose) this.lateCallbacks = async () => (await import('../handlers/console-verbose.ts')).verboseCallbacks()
  }

  /** The same model with other options for its calls. */
  bind(options: AnthropicCallOptions): this {
    const copy = Object.create(Object.getPrototypeOf(this), Object.getOwnPropertyDescriptors(this)) as this
    return Object.assign(copy, { options: callOptions({ ...this.options, ...options }) })
  }

  override prepare(input: ChatInput): readonly Message[] {
    return toMessages(input)
  }

  open(input: ChatInput, run: OpenRun): Promise<Flow<Delta>> {
    const { options, maxRetries, onTruncated } = this
    const streaming = run.scope.streaming || this.streaming
    const request = anthropicWire.request(toMessages(input), options, streaming)
    return answer({ wire: anthropicWire, request, streaming, maxRetries, onTruncated }, this.transport, run)
  }
}

function transportOf(options: ChatAnthropicOptions): Transport {
  const { apiKey, client, baseURL = 'https://api.anthropic.com', headers, fetch, dangerouslyAllowBrowser } = options
  if (client) return () => clientLine(client)
  if (!dangerouslyAllowBrowser && 'window' in globalThis && 'document' in globalThis) throw keyInBrowser()
  const lineWith = (key: string | undefined): Line => {
    const own = {
      'content-type': 'application/json',
      // The SDK has gone on to 2026-10-21, which no longer takes temperature, topP and topK; compatible servers know this one.
      'anthropic-version': '2023-06-01',
      'x-api-key': checkedKey(key),
      ...(dangerouslyAllowBrowser && { 'anthropic-dangerous-direct-browser-access': 'true' }),
    }
    return fetchLine(baseURL, [own, headers], fetch)
  }
  if (typeof apiKey === 'function') return async () => lineWith(await keyFrom(apiKey))
  const line = lineWith(apiKey)
  return () => line
}

async function keyFrom(ask: () => string | Promise<string>): Promise<string> {
  try {
    return await ask()
  } catch (error) {
    throw new ChaintapError('missing_key', 'The function given as apiKey failed.', { cause: cleanCause(error, redactor([])) })
  }
}

function checkedKey(given: string | undefined): string {
  // Files of keys end with a line break.
  const key = given?.trim() ?? ''
  if (key === '') {
    const fix = 'Write new ChatAnthropic({ apiKey: env.ANTHROPIC_API_KEY }), or pass an official client: { client: new Anthropic() }.'
    throw new ChaintapError('missing_key', `ChatAnthropic needs an API key, and reads no environment by itself. ${fix}`)
  }
  if (/[^!-~]/.test(key)) {
    throw new ChaintapError(
      'invalid_options',
      'The API key has characters that no header can have. Look for quotes, blanks and line breaks.',
    )
  }
  return key
}

function checkedRetries(maxRetries: number): number {
  if (Number.isInteger(maxRetries) && maxRetries >= 0) return maxRetries
  throw new ChaintapError('invalid_options', `maxRetries must be 0, 1, 2 …, but is ${maxRetries}.`)
}

const keyInBrowser = (): ChaintapError =>
  new ChaintapError(
    'key_in_browser',
    'In a page everyone can read the API key, so ChatAnthropic is not made here. Run the chain in a Worker and read it with a RemoteRunnable; ' +
      "or, where the key is the visitor's own, write new ChatAnthropic({ apiKey, dangerouslyAllowBrowser: true }).",
  )
