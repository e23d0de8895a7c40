import type { AgentAction, AgentFinish } from './agent-types.ts'
import type { Delta } from './delta.ts'
import type { Usage } from './usage.ts'

/** What sort of runnable a run is of. */
export type RunKind = 'chain' | 'prompt' | 'parser' | 'llm' | 'chat_model' | 'tool' | 'retriever' | 'agent'

/** One execution of one runnable. Plain JSON, the same object in every event of the run. */
export interface Run {
  /** UUIDv7. */
  readonly id: string
  readonly parentId: string | undefined
  readonly rootId: string
  /** `runName` where one was given, else the runnable's own. */
  readonly name: string
  readonly kind: RunKind
  readonly tags: readonly string[]
  readonly metadata: Readonly<Record<string, unknown>>
}

/** Which answer the run of a model is about, as far as that is known. */
export interface ResponseInfo {
  /** The provider's id of the answer. */
  readonly id?: string
  /** As the provider names it. */
  readonly model?: string
  /** Where the provider is, without secrets. */
  readonly url?: string
  /** Of the usage's `cacheWriteTokens`, those that Anthropic's cache keeps for an hour: they have a price of their own. */
  readonly cacheWrite1hTokens?: number
}

/** What the end of a model's run tells beside it, as far as it is known. */
export interface RunReport {
  readonly usage?: Usage
  readonly answered?: ResponseInfo
}

/** What can happen to a run. */
export type EventPayload =
  | { readonly type: 'start'; readonly input: unknown }
  | { readonly type: 'token'; readonly token: string }
  | { readonly type: 'delta'; readonly delta: Delta }
  | { readonly type: 'chunk'; readonly chunk: unknown }
  | ({ readonly type: 'end'; readonly output: unknown } & RunReport)
  | ({ readonly type: 'error'; readonly error: unknown; readonly partial: unknown } & RunReport)
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'action'; readonly action: AgentAction }
  | { readonly type: 'finish'; readonly finish: AgentFinish }
  | { readonly type: 'retry'; readonly attempt: number; readonly error: unknown }
  | { readonly type: 'custom'; readonly name: string; readonly data: unknown }

/**
 * One thing that happened to a run.
 *
 * `at`: ms since epoch. `seq`: 0, 1, 2 … in the run tree (`chunk` events are numbered too, and heard by readers of `events()` only).
 * `start.input` is undefined where a step began before its input was whole. `token`: text of a model; `delta`: what else it says.
 * `chunk`: root run only, what `stream()` would yield. `error.partial`: what had been said until then.
 */
export type RunEvent = { readonly run: Run; readonly at: number; readonly seq: number } & EventPayload

/** The event of one type, e.g. `EventOf<'token'>`. */
export type EventOf<Type extends RunEvent['type']> = Extract<RunEvent, { readonly type: Type }>

/** The last event of a run. */
export type EndEvent = EventOf<'end' | 'error'>

/**
 * A handler as a function. Where it returns a promise the run waits for it.
 *
 * @example
 * const log: Listener = (event) => console.log(event.run.name, event.type)
 */
export interface Listener {
  /** `stop` ends the run that the event is of, and all below it, as `run.stop` does; it may be called later, too. */
  (event: RunEvent, stop?: StopRun): void | PromiseLike<void>
  /** A failure of this handler fails the run. */
  raiseError?: boolean
  /** Called once after a root run has ended, and awaited by `flushed`. */
  flush?(): Promise<void>
}

/** Stops a run; `reason` is what its reader gets. */
export type StopRun = (reason: unknown) => void

/** What a context can announce: what is particular to the event. */
export type EmittablePayload = Extract<EventPayload, { readonly type: 'text' | 'custom' | 'action' | 'finish' | 'retry' }>

/** A run from the inside: what a lambda, a tool or a runnable of your own is given. Passed where options go, it makes the call a child. */
export interface RunContext {
  readonly run: Run
  /** Aborts when this run is stopped. */
  readonly signal: AbortSignal
  /** Announces an event of this run; where it returns a promise, await it. */
  emit(announcement: EmittablePayload): void | Promise<void>
}

/** Receives the events of a run and of all runs below it, for the reader of `events()`. */
export interface EventSink {
  /** `handled`: settles when the handlers have processed the event; undefined if they already have. */
  push(event: RunEvent, handled: Promise<unknown> | undefined): void
  /** A promise while the reader is behind. */
  ready(): Promise<void> | undefined
}
