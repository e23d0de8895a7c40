import { ChaintapError } from '../errors.ts'
import type { Run, RunKind } from '../event.ts'
import type { Handler } from '../handler/handler.ts'
import { type MergedOptions, unique } from '../options.ts'

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

/** Describes a new run of an object. */
export function describeRun(
  own: RunnableInfo,
  scope: Scope,
  parent: Run | undefined,
  id: string,
  name: string | undefined,
  frameworkTags: readonly string[],
): Run {
  return {
    id,
    parentId: parent?.id,
    rootId: parent?.rootId ?? id,
    name: name ?? own.name,
    kind: own.kind,
    tags: resolveRunTags(frameworkTags, scope, own),
    metadata: { ...scope.metadata, ...own.metadata },
  }
}

/** Tags of an object's own run: the framework's, what reaches it from above, then its constructor's. */
const resolveRunTags = (framework: readonly string[], scope: Scope, own: RunnableInfo): readonly string[] =>
  scope.tags.length > 0 || own.tags ? unique([...framework, ...scope.tags, ...(own.tags ?? [])]) : framework

/** Handlers of an object's own run: what reaches it from above, then its constructor's. */
export const resolveRunHandlers = (scope: Scope, own: RunnableInfo): readonly Handler[] =>
  own.callbacks ? unique([...scope.handlers, ...own.callbacks]) : scope.handlers
