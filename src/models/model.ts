import type { EventOf, RunEvent } from '../core/event.ts'
import { type AssistantMessage, textOf } from '../core/message.ts'
import type { RunOptions } from '../core/options.ts'
import type { OwnOptions } from '../core/run/scope.ts'
import type { Runnable } from '../core/runnable/runnable.ts'
import { addUsage, type Usage } from '../core/usage.ts'
import type { OnTruncated } from './http/transport.ts'

/** What every model can be made with, beside the options of its calls. */
export interface ModelOptions extends OwnOptions {
  /** The key, or what gives it; that is asked before each attempt. Not kept where it could be printed. */
  readonly apiKey?: string | (() => string | Promise<string>) | undefined
  /** Where the provider is. It may have a query, which goes behind the path of each call and is never told. Default: the provider's own. */
  readonly baseURL?: string | undefined
  /** Sent with each request, over the library's own. */
  readonly headers?: Readonly<Record<string, string>>
  /** Default: the engine's own. */
  readonly fetch?: typeof globalThis.fetch
  /** How often a call is tried again before its answer has begun. Default 2. */
  readonly maxRetries?: number
  /** What an answer is that ends without the provider's own end: an `error` (default), or to `accept` as it is. */
  readonly onTruncated?: OnTruncated
  /** Allows for a page: everyone who opens it can read the key. */
  readonly dangerouslyAllowBrowser?: boolean
  /** Asks for a stream on `invoke` too, so that tokens are heard there. `stream` and `events` always do. */
  readonly streaming?: boolean
  /** Prints this model's runs to the console. */
  readonly verbose?: boolean
}

/** One answer of `generate` (LangChain's Generation). */
export interface Generation {
  readonly text: string
}

/** One answer of a chat model's `generate`. */
export interface ChatGeneration extends Generation {
  readonly message: AssistantMessage
}

/** What `generate` gives (LangChain's LLMResult). */
export interface LLMResult<Each extends Generation = Generation> {
  /** Of each input its answers: one. */
  readonly generations: readonly (readonly [Each])[]
  /** What all of them spent, as far as it was reported. */
  readonly usage: Usage | undefined
}

/** Runs each input, side by side, as `batch` does: a run each. */
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

export const chatGeneration = (message: AssistantMessage): ChatGeneration => ({ text: textOf(message), message })

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
