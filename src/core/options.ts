import type { RunContext, RunEvent } from './event.ts'
import type { EventFilter } from './handler/filter.ts'
import type { Handler } from './handler/handler.ts'
import { checkTimeout } from './util/signal.ts'

/** What `invoke`, `stream`, `events` and `batch` take, and `withConfig` binds. */
export interface RunOptions {
  /** Heard by this run and every run below it. */
  readonly callbacks?: readonly Handler[]
  /** On this run and every run below it. */
  readonly tags?: readonly string[]
  /** On this run and every run below it. */
  readonly metadata?: Readonly<Record<string, unknown>>
  /** Name of this run alone. */
  readonly runName?: string
  /** Id of this run alone; a UUIDv7 is made where there is none. In a batch the first item gets it. */
  readonly runId?: string
  /** Makes the run a child of the context's run. A context may also be passed in place of the options. */
  readonly parent?: RunContext
  readonly signal?: AbortSignal
  /** In ms, positive. More than 24 days, and Infinity, are no limit. */
  readonly timeout?: number
  /** How many items of a `batch`, or branches of a `parallel`, run at once. Default: all. */
  readonly maxConcurrency?: number
  /** How many levels deep runs may call runs (a lambda that returns or invokes a runnable is one level). Default 25. */
  readonly recursionLimit?: number
  /** Given the promise of the tail work, as `ctx.waitUntil` of a Worker takes it. */
  readonly waitUntil?: (work: Promise<unknown>) => void
  /** Told of a handler that failed. Default: `reportError`, else `console.error`. */
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

/** Bound options under those of a request: lists join with bound first, the request's other values win, all signals and the smaller timeout hold. */
export function mergeOptions(bound: MergedOptions | undefined, request: RunOptions): MergedOptions {
  checkTimeout(request.timeout)
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

/** Options with all their signals. */
export interface MergedOptions extends Omit<RunOptions, 'signal'> {
  readonly signals?: readonly AbortSignal[]
}

/** Each value once, in the order of first sight. */
export function unique<T>(values: readonly T[]): readonly T[] {
  return values.length < 2 ? values : [...new Set(values)]
}
