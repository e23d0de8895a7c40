import type { RunContext, RunEvent } from './event.ts'
import { checkCallbacks } from './handler/check-handlers.ts'
import type { EventFilter } from './handler/filter.ts'
import type { Handler } from './handler/handler.ts'
import { checkTimeout } from './util/signal.ts'

/** Options of `invoke`, `stream`, `events` and `batch`; `withConfig` binds them (LangChain's RunnableConfig). */
export interface RunOptions {
  /**
   * Handlers of this run and all runs below it.
   *
   * @defaultValue []
   */
  readonly callbacks?: readonly Handler[]
  /**
   * Tags of this run and all runs below it.
   *
   * @defaultValue []
   */
  readonly tags?: readonly string[]
  /**
   * Metadata of this run and all runs below it. Values of inner runs win.
   *
   * @defaultValue {}
   */
  readonly metadata?: Readonly<Record<string, unknown>>
  /** The name of this run only. Default: the runnable's name. */
  readonly runName?: string
  /** The id of this run only; in a batch, of the first item. Default: a new UUIDv7. */
  readonly runId?: string
  /** Makes the run a child of this context's run. Instead of `{ parent: context }`, the context itself may be passed. */
  readonly parent?: RunContext
  /** Stops the run when it aborts; a string reason becomes an AbortReason with that message. Default: none. */
  readonly signal?: AbortSignal
  /**
   * The limit on the run's duration, in ms, positive. The run stops with a {@link TimeoutError}. More than 24 days is no limit.
   *
   * @defaultValue Infinity
   */
  readonly timeout?: number
  /**
   * The maximum number of items of a `batch`, or of branches of a `parallel`, that run at once.
   *
   * @defaultValue Infinity
   */
  readonly maxConcurrency?: number
  /**
   * The maximum depth of runs that call runs. A lambda that returns or invokes a runnable is one level.
   *
   * @defaultValue 25
   */
  readonly recursionLimit?: number
  /** Called with the promise of work that outlives the run, e.g. a handler's flush. Pass `ctx.waitUntil` of a Worker. Default: none. */
  readonly waitUntil?: (work: Promise<unknown>) => void
  /** Called when a handler without `raiseError` fails; `event` is undefined for its `flush`. Default: `reportError`, else `console.error`. */
  readonly onHandlerError?: (error: unknown, event: RunEvent | undefined, handler: Handler) => void
}

/** Options of `events`: call options, and a filter of the events to read. */
export interface EventOptions extends RunOptions, EventFilter {}

/** Options of `batch`. */
export interface BatchOptions extends RunOptions {
  /**
   * Run every input and return errors in the places of their outputs. Otherwise the first failure aborts the rest and is thrown.
   *
   * @defaultValue false
   */
  readonly returnErrors?: boolean
}

/**
 * Merges the options of a request over bound ones. Callbacks and tags are joined, bound ones first; metadata is merged; all signals and
 * the smaller timeout apply; of other options the request's value wins.
 */
export function mergeOptions(bound: MergedOptions | undefined, request: RunOptions): MergedOptions {
  checkTimeout(request.timeout)
  checkCallbacks(request.callbacks)
  const { signal, ...rest } = request
  const own: MergedOptions = signal ? { ...rest, signals: [signal] } : rest
  if (!bound) return own
  const merged: { -readonly [K in keyof MergedOptions]: MergedOptions[K] } = { ...bound }
  for (const [key, value] of Object.entries(own)) if (value !== undefined) Object.assign(merged, { [key]: value })
  if (bound.callbacks && own.callbacks) merged.callbacks = [...bound.callbacks, ...own.callbacks]
  if (bound.tags && own.tags) merged.tags = unique([...bound.tags, ...own.tags])
  if (bound.metadata && own.metadata) merged.metadata = { ...bound.metadata, ...own.metadata }
  if (bound.signals && own.signals) merged.signals = [...bound.signals, ...own.signals]
  if (bound.timeout && own.timeout) merged.timeout = Math.min(bound.timeout, own.timeout)
  return merged
}

/** Options with the signals of all merged options. */
export interface MergedOptions extends Omit<RunOptions, 'signal'> {
  readonly signals?: readonly AbortSignal[]
}

/** Returns each value once, in the order of first occurrence. */
export function unique<T>(values: readonly T[]): readonly T[] {
  return values.length < 2 ? values : [...new Set(values)]
}
