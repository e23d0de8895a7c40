import type { EventOf, RunEvent } from '../core/event.ts'
import { type AssistantMessage, textOf } from '../core/message.ts'
import type { ModelRequest } from '../core/model-request.ts'
import type { RunOptions } from '../core/options.ts'
import type { OwnOptions } from '../core/run/scope.ts'
import type { Runnable } from '../core/runnable/runnable.ts'
import { addUsage, type Usage } from '../core/usage.ts'
import { omitUndefined } from '../core/util/omit-undefined.ts'
import type { OnTruncated } from './http/transport.ts'

/** The options of a model's constructor that all providers share, beside the options of its calls. */
export interface ModelOptions extends OwnOptions {
  /** The API key, or a function that returns it; the function is called before each attempt. No property of the model holds the key. */
  readonly apiKey?: string | (() => string | Promise<string>) | undefined
  /**
   * The base URL of the API. A query in it is appended to the path of each call and never appears in errors or events.
   *
   * @defaultValue the provider's own
   */
  readonly baseURL?: string | undefined
  /** Headers of each request. They override the library's own. */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * Sends the requests, with `redirect: 'manual'`. Redirects within the origin of `baseURL` are followed; any other, and in a browser every
   * one, fails the call (ModelError `http`).
   *
   * @defaultValue `globalThis.fetch`
   */
  readonly fetch?: typeof globalThis.fetch
  /**
   * How many times a call is retried before its response has begun: a whole number, at least 0.
   *
   * @defaultValue 2
   */
  readonly maxRetries?: number
  /**
   * How to treat a response that ends before the provider's end marker: `error` throws TruncatedError, `accept` keeps what arrived.
   *
   * @defaultValue 'error'
   */
  readonly onTruncated?: OnTruncated
  /** Permits the model in a web page, where every visitor can read the API key. Without it the constructor throws `key_in_browser`. */
  readonly dangerouslyAllowBrowser?: boolean
  /** Requests a stream for `invoke` too, so that handlers receive its tokens. `stream` and `events` always request one. */
  readonly streaming?: boolean
  /** Prints this model's runs to the console. */
  readonly verbose?: boolean
}

/** One output of `generate` (LangChain's Generation). */
export interface Generation {
  /** The text of the output. */
  readonly text: string
}

/** One output of a chat model's `generate` (LangChain's ChatGeneration). */
export interface ChatGeneration extends Generation {
  /** The whole message. */
  readonly message: AssistantMessage
}

/** The result of `generate` (LangChain's LLMResult). */
export interface LLMResult<Each extends Generation = Generation> {
  /** For each input a list with its one output. */
  readonly generations: readonly (readonly [Each])[]
  /** The usage of all calls together, as far as the provider reported it. */
  readonly usage: Usage | undefined
}

/** Runs each input in a run of its own, concurrently, as `batch` does, and adds up their usage. */
export async function generate<In, Out, Each extends Generation>(
  model: Runnable<In, Out, unknown>,
  inputs: readonly In[],
  options: RunOptions,
  generation: (output: Out) => Each,
): Promise<LLMResult<Each>> {
  let usage: Usage | undefined
  const count = (event: RunEvent): void => {
    usage = addUsage(usage, (event as EventOf<'end'>).usage)
  }
  const outputs = await model.withConfig({ callbacks: [count] }).batch(inputs, options)
  return { generations: outputs.map((output) => [generation(output)]), usage }
}

/** Wraps a chat model's output for `generate`. */
export const chatGeneration = (message: AssistantMessage): ChatGeneration => ({ text: textOf(message), message })

/** What a model with these options asks of its provider. */
export const describeRequest = ({ model, temperature, maxTokens, topP, stop }: ModelRequest, defaultModel?: string): ModelRequest =>
  omitUndefined({ model: model ?? defaultModel, temperature, maxTokens, topP, stop })

/** Copies the options with these keys. The others may be secret, and a model's options are visible. Absent options become `undefined`. */
export const pickOptions = <Options extends object>(options: Options, keys: readonly (keyof Options)[]): Options =>
  Object.fromEntries(keys.map((key) => [key, options[key]])) as Options

/** Copies a model, with other call options merged over its own. `model.options` has all keys of its type: `pickOptions` made it. */
export const bindOptions = <Model extends Runnable<never, unknown, unknown> & { readonly options: object }>(
  model: Model,
  options: Model['options'],
): Model => {
  const keys = Object.keys(model.options) as (keyof Model['options'])[]
  return Object.assign(model.withConfig({}), { options: pickOptions<Model['options']>({ ...model.options, ...options }, keys) })
}
