import { ChaintapError } from '../errors.ts'
import type { Handler, Run, RunKind } from '../event.ts'
import { type MergedOptions, unique } from '../options.ts'
import type { EventSink } from './event-reader.ts'
import type { ActiveRun } from './run.ts'
import type { Tree } from './tree.ts'

/** What a run hands down to the runs below it (P7). Made once, when the run is made; never changed. */
export interface Scope {
  readonly handlers: readonly Handler[]
  readonly tags: readonly string[]
  readonly metadata: Readonly<Record<string, unknown>>
  readonly maxConcurrency: number
  /** How many more levels of runs that call runs there may be. */
  readonly remainingDepth: number
  /** Whether somebody reads this tree as a stream: models then ask for one. */
  readonly streaming: boolean
}

/** What a constructor is given for the object's own runs: heard and seen there alone. */
export interface OwnOptions {
  readonly callbacks?: readonly Handler[] | undefined
  readonly tags?: readonly string[] | undefined
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
}

/** What is local to an object. */
export interface RunnableInfo extends OwnOptions {
  readonly name: string
  readonly kind: RunKind
}

/** Where a run stands: below another run, or at the root of a tree. */
export interface RunInit {
  readonly tree: Tree
  readonly parent?: ActiveRun | undefined
  readonly options?: MergedOptions | undefined
  /** Framework tags of this run alone, e.g. `seq:step:1`. */
  readonly tags?: readonly string[]
  readonly streaming?: boolean
  /** Who reads the events of this run and all below it. */
  readonly eventSink?: EventSink | undefined
  /** What the run is, where it is made elsewhere. */
  readonly run?: Run | undefined
}

export const rootScope = (streaming: boolean): Scope => ({
  handlers: [],
  tags: [],
  metadata: {},
  maxConcurrency: Number.POSITIVE_INFINITY,
  remainingDepth: 25,
  streaming,
})

/** The scope below a run with these options: bound handlers before those of the request, each once. */
export function deriveScope(above: Scope, options: MergedOptions, streaming: boolean): Scope {
  return {
    handlers: options.callbacks ? unique([...options.callbacks, ...above.handlers]) : above.handlers,
    tags: options.tags ? unique([...above.tags, ...options.tags]) : above.tags,
    metadata: options.metadata ? { ...above.metadata, ...options.metadata } : above.metadata,
    maxConcurrency: options.maxConcurrency ?? above.maxConcurrency,
    remainingDepth: options.recursionLimit ?? above.remainingDepth,
    streaming: above.streaming || streaming,
  }
}

/** The levels left to what a run calls, at most those that the call asks for. `name` is told of where none are left. */
export function remainingDepthBelow({ remainingDepth }: Scope, name: string, asked: number = Number.POSITIVE_INFINITY): number {
  if (remainingDepth > 0) return Math.min(asked, remainingDepth - 1)
  throw new ChaintapError(
    'recursion_limit',
    `${name} would run deeper than recursionLimit allows. Look for a runnable that calls or returns itself without end, or raise the limit.`,
  )
}

/** Tags of an object's own run: the framework's, what reaches it from above, then its constructor's. */
export const resolveRunTags = (framework: readonly string[], scope: Scope, own: RunnableInfo): readonly string[] =>
  scope.tags.length > 0 || own.tags ? unique([...framework, ...scope.tags, ...(own.tags ?? [])]) : framework

/** Handlers of an object's own run: what reaches it from above, then its constructor's. */
export const resolveRunHandlers = (scope: Scope, own: RunnableInfo): readonly Handler[] =>
  own.callbacks ? unique([...scope.handlers, ...own.callbacks]) : scope.handlers
