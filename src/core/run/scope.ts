import { ChaintapError } from '../errors.ts'
import type { Run, RunKind } from '../event.ts'
import type { Handler } from '../handler/handler.ts'
import { type MergedOptions, unique } from '../options.ts'

/** What a run passes on to the runs below it (P7). Created with the run; never changed. */
export interface Scope {
  readonly handlers: readonly Handler[]
  readonly tags: readonly string[]
  readonly metadata: Readonly<Record<string, unknown>>
  readonly maxConcurrency: number
  /** How many more levels of runs may be started below. */
  readonly remainingDepth: number
  /** Whether the tree is read by `stream` or `events`: models then ask their provider for a stream. */
  readonly streaming: boolean
}

/** Constructor options that apply to the object's own runs only, not to the runs below them. */
export interface OwnOptions {
  /** Handlers that receive the events of the object's own runs. */
  readonly callbacks?: readonly Handler[] | undefined
  /** Tags of the object's own runs. */
  readonly tags?: readonly string[] | undefined
  /** Metadata of the object's own runs. It overrides metadata of the call. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
}

/** What a run takes over from its runnable. */
export interface RunnableInfo extends OwnOptions {
  /** The name of its runs, unless the call sets `runName`. */
  readonly name: string
  /** The kind of its runs. */
  readonly kind: RunKind
}

export const rootScope: Scope = {
  handlers: [],
  tags: [],
  metadata: {},
  maxConcurrency: Number.POSITIVE_INFINITY,
  remainingDepth: 25,
  streaming: false,
}

/** The scope of a run with these options. Bound handlers come before those from above, each once. */
export function deriveScope(above: Scope, options: MergedOptions, streaming = false): Scope {
  return {
    handlers: options.callbacks ? unique([...options.callbacks, ...above.handlers]) : above.handlers,
    tags: options.tags ? unique([...above.tags, ...options.tags]) : above.tags,
    metadata: options.metadata ? { ...above.metadata, ...options.metadata } : above.metadata,
    maxConcurrency: options.maxConcurrency ?? above.maxConcurrency,
    remainingDepth: options.recursionLimit ?? above.remainingDepth,
    streaming: above.streaming || streaming,
  }
}

/**
 * The levels that a child of a run may use.
 *
 * @param name The child, for the error.
 * @param limit The limit that the call asks for.
 * @throws ChaintapError `recursion_limit` if no level is left
 */
export function remainingDepthBelow({ remainingDepth }: Scope, name: string, limit: number = Number.POSITIVE_INFINITY): number {
  if (remainingDepth > 0) return Math.min(limit, remainingDepth - 1)
  throw new ChaintapError(
    'recursion_limit',
    `${name} exceeds recursionLimit. Look for a runnable that calls or returns itself without end, or raise the limit.`,
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
  return freezeRun({
    id,
    parentId: parent?.id,
    rootId: parent?.rootId ?? id,
    name: name ?? own.name,
    kind: own.kind,
    tags: resolveRunTags(frameworkTags, scope, own),
    metadata: { ...scope.metadata, ...own.metadata },
  })
}

/** Freezes a run with its tags and metadata: all handlers of its tree share the object. */
export function freezeRun(run: Run): Run {
  Object.freeze(run.tags)
  Object.freeze(run.metadata)
  return Object.freeze(run)
}

/** Tags of a run: the framework's, those of the scope, then the constructor's. */
const resolveRunTags = (framework: readonly string[], scope: Scope, own: RunnableInfo): readonly string[] =>
  scope.tags.length > 0 || own.tags ? unique([...framework, ...scope.tags, ...(own.tags ?? [])]) : framework

/** Handlers of a run: those of the scope, then the constructor's. */
export const resolveRunHandlers = (scope: Scope, own: RunnableInfo): readonly Handler[] =>
  own.callbacks ? unique([...scope.handlers, ...own.callbacks]) : scope.handlers
