import type { AgentAction, AgentFinish } from './agent-types.ts'
import type { Delta } from './delta.ts'
import type { ModelRequest } from './model-request.ts'
import type { Usage } from './usage.ts'

/** The kind of a run's runnable. */
export type RunKind = 'chain' | 'prompt' | 'parser' | 'llm' | 'chat_model' | 'tool' | 'retriever' | 'agent'

/** One execution of a runnable. Plain JSON, and the same object in every event of the run. */
export interface Run {
  /** A UUIDv7, unless `runId` set it. */
  readonly id: string
  /** The id of the parent run; undefined for a root run. */
  readonly parentId: string | undefined
  /** The id of the run tree's root run; the run's own id for a root run. */
  readonly rootId: string
  /** The `runName` option, or the runnable's name. */
  readonly name: string
  /** The kind of the runnable. */
  readonly kind: RunKind
  /** The tags of the runnable, of the options, and those inherited from the parent run. */
  readonly tags: readonly string[]
  /** The metadata of the runnable, of the options, and that inherited from the parent run. */
  readonly metadata: Readonly<Record<string, unknown>>
}

/** The response that a model's run is about, as far as it is known. */
export interface ResponseInfo {
  /** The provider's id of the response. */
  readonly id?: string
  /** The model, as the provider names it. */
  readonly model?: string
  /** The URL of the provider, without secrets. */
  readonly url?: string
  /** The part of the usage's `cacheWriteTokens` that Anthropic caches for one hour: it has its own price. */
  readonly cacheWrite1hTokens?: number
}

/** Facts about a model's response, in the `end` or `error` event of its run, as far as they are known. */
export interface RunReport {
  /** The tokens of the response. */
  readonly usage?: Usage
  /** The response. */
  readonly answered?: ResponseInfo
}

/**
 * The part of an event that depends on its type.
 *
 * - `start`: the run starts. Every run emits it first.
 * - `token`: a model streams a piece of text.
 * - `delta`: a model streams anything else, e.g. reasoning or a piece of a tool call.
 * - `chunk`: the root run yields a chunk, as `stream()` would. Only readers of `events()` receive it, not handlers.
 * - `end`: the run completes.
 * - `error`: the run fails or is stopped.
 * - `text`: the run emits text for people.
 * - `action`: an agent has chosen a tool.
 * - `finish`: an agent has decided on its final answer.
 * - `retry`: an attempt has failed, and another one follows.
 * - `custom`: the run emits a value of the application.
 */
export type EventPayload =
  | {
      /** The type of the event. */
      readonly type: 'start'
      /** The run's input; undefined if a step starts before its input is complete. */
      readonly input: unknown
      /** In a model's run: what it asks of its provider. */
      readonly request?: ModelRequest
    }
  | {
      readonly type: 'token'
      /** The piece of text, never empty. */
      readonly token: string
    }
  | {
      readonly type: 'delta'
      /** The chunk of the model. */
      readonly delta: Delta
    }
  | {
      readonly type: 'chunk'
      /** The chunk of the root run. */
      readonly chunk: unknown
    }
  | ({
      readonly type: 'end'
      /** The run's output. */
      readonly output: unknown
    } & RunReport)
  | ({
      readonly type: 'error'
      /** The error, or the reason of the stop. */
      readonly error: unknown
      /** The output until then. */
      readonly partial: unknown
    } & RunReport)
  | {
      readonly type: 'text'
      /** The text. */
      readonly text: string
    }
  | {
      readonly type: 'action'
      /** The tool call that the agent decided on. */
      readonly action: AgentAction
    }
  | {
      readonly type: 'finish'
      /** The agent's final answer. */
      readonly finish: AgentFinish
    }
  | {
      readonly type: 'retry'
      /** The number of the failed attempt, from 1. */
      readonly attempt: number
      readonly error: unknown
    }
  | {
      readonly type: 'custom'
      /** The name of the event, chosen by the application. */
      readonly name: string
      /** The value. */
      readonly data: unknown
    }

/**
 * An event of a run, as handlers and readers of `events()` receive it.
 *
 * @example
 * for await (const event of chain.events('Hello')) if (event.type === 'token') show(event.token)
 */
export type RunEvent = {
  /** The run. */
  readonly run: Run
  /** When it happened, in ms since epoch. */
  readonly at: number
  /** The number of the event in its run tree, from 0. `chunk` events are numbered, too, so handlers may see gaps. */
  readonly seq: number
} & EventPayload

/** The events of one type, e.g. `EventOf<'token'>`. */
export type EventOf<Type extends RunEvent['type']> = Extract<RunEvent, { readonly type: Type }>

/** The last event of a run. */
export type EndEvent = EventOf<'end' | 'error'>

/**
 * A handler as a function. If it returns a promise, the run waits for it.
 *
 * @example
 * const log: Listener = (event) => console.log(event.run.name, event.type)
 */
export interface Listener {
  /** Called for each event. `stop` stops the run of the event and all runs below it, like `run.stop`; it may also be called later. */
  (event: RunEvent, stop?: StopRun): void | PromiseLike<void>
  /**
   * Whether an error of this handler fails the run. Otherwise the error is reported and the run continues.
   *
   * @defaultValue false
   */
  raiseError?: boolean
  /** Called once after each root run has ended. `flushed` waits for its promise. */
  flush?(): Promise<void>
}

/** Stops a run. Its reader gets `reason` as the error. */
export type StopRun = (reason: unknown) => void

/** The events that a {@link RunContext} can emit, without `run`, `at` and `seq`. */
export type EmittablePayload = Extract<EventPayload, { readonly type: 'text' | 'custom' | 'action' | 'finish' | 'retry' }>

/**
 * A run as a lambda or tool sees it. Pass it instead of options to make a call a child of the run.
 *
 * @example
 * const shout = lambda(async (input: string, context) => (await chain.invoke(input, context)).toUpperCase())
 */
export interface RunContext {
  /** The run. */
  readonly run: Run
  /** Aborts when the run is stopped. */
  readonly signal: AbortSignal
  /** Emits an event of this run. Returns a promise if handlers are not done yet: await it. */
  emit(payload: EmittablePayload): void | Promise<void>
}

/** Receives the events of a run and of all runs below it, for the reader of `events()`. */
export interface EventSink {
  /** `handled`: settles when the handlers have processed the event; undefined if they already have. */
  push(event: RunEvent, handled: Promise<unknown> | undefined): void
  /** A promise while the reader is behind. */
  ready(): Promise<void> | undefined
}
