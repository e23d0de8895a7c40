import type { Delta } from '../core/delta.ts'
import { ChaintapError } from '../core/errors.ts'
import type { Handler } from '../core/event.ts'
import type { Flow } from '../core/flow.ts'
import type { AssistantMessage, Message } from '../core/message.ts'
import type { OpenRun } from '../core/run.ts'
import { Runnable } from '../core/runnable.ts'
import { type ChatInput, toMessages } from '../messages/coerce.ts'
import { type AnthropicClient, clientLine } from './anthropic-client.ts'
import { type AnthropicCallOptions, callOptions } from './anthropic-request.ts'
import { anthropicWire } from './anthropic-wire.ts'
import { answer, type Connection, fetchLine, type Line, type OnTruncated } from './http.ts'
import { cleanCause, redactor } from './secrets.ts'

export type { AnthropicClient } from './anthropic-client.ts'
export type { AnthropicCallOptions } from './anthropic-request.ts'
export type { OnTruncated } from './http.ts'

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
  /** What each call asks for. */
  readonly options: AnthropicCallOptions
  readonly streaming: boolean
  /** Its transport is a closure, which no console and no JSON shows: it holds the key. */
  readonly connection: Connection

  constructor(options: ChatAnthropicOptions = {}) {
    super(options)
    const { client, verbose, streaming = false, maxRetries = 2, onTruncated = 'error' } = options
    if (!Number.isInteger(maxRetries) || maxRetries < 0) throw invalid(`maxRetries must be 0, 1, 2 …, but is ${maxRetries}.`)
    this.options = callOptions(options)
    this.streaming = streaming
    this.connection = { transport: client ? () => clientLine(client) : byFetch(options), maxRetries, onTruncated }
    if (verbose) this.lateCallbacks = async () => (await import('../handlers/console-verbose.ts')).verboseCallbacks
  }

  /** The same model with other options for its calls. */
  bind(options: AnthropicCallOptions): this {
    return Object.assign(this.withConfig({}), { options: callOptions({ ...this.options, ...options }) })
  }

  override prepare(input: ChatInput): readonly Message[] {
    return toMessages(input)
  }

  open(messages: readonly Message[], run: OpenRun): Promise<Flow<Delta>> {
    const streaming = run.scope.streaming || this.streaming
    const request = anthropicWire.request(messages, this.options, streaming)
    return answer({ ...this.connection, wire: anthropicWire, request, streaming }, run)
  }
}

function byFetch({
  apiKey,
  baseURL = 'https://api.anthropic.com',
  headers,
  fetch,
  dangerouslyAllowBrowser,
}: ChatAnthropicOptions): Connection['transport'] {
  if (!dangerouslyAllowBrowser && 'window' in globalThis && 'document' in globalThis) throw keyInBrowser()
  const lineWith = (key: string | undefined): Line => {
    const own = {
      'content-type': 'application/json',
      // The SDK has gone on to 2026-10-21, which no longer takes temperature, topP and topK; compatible servers know this one.
      'anthropic-version': '2023-06-01',
      'x-api-key': checkedKey(key),
      ...(dangerouslyAllowBrowser && { 'anthropic-dangerous-direct-browser-access': 'true' }),
    }
    return fetchLine('Anthropic', baseURL, own, headers, fetch)
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

function checkedKey(given = ''): string {
  // Files of keys end with a line break.
  const key = given.trim()
  if (/[^!-~]/.test(key)) throw invalid('The API key has characters that no header can have. Look for blanks and line breaks.')
  if (key !== '') return key
  throw new ChaintapError(
    'missing_key',
    'ChatAnthropic needs an API key, and reads no environment. Write { apiKey: env.ANTHROPIC_API_KEY }, or { client: new Anthropic() }.',
  )
}

const keyInBrowser = (): ChaintapError =>
  new ChaintapError(
    'key_in_browser',
    'In a page everyone can read the API key. Run the chain in a Worker and read it with a RemoteRunnable; ' +
      "or, where the key is the visitor's own, write dangerouslyAllowBrowser: true.",
  )

const invalid = (problem: string): ChaintapError => new ChaintapError('invalid_options', problem)
