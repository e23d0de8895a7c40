import { AbortReason, ChaintapError } from '../errors.ts'
import type { EmittablePayload, EventSink, Run, RunContext, RunReport } from '../event.ts'
import type { ModelRequest } from '../model-request.ts'
import type { MergedOptions } from '../options.ts'
import { snapshot } from '../util/snapshot.ts'
import { closeDescendants, closeRun } from './close.ts'
import { EventDispatcher, type PendingHandlers } from './dispatch.ts'
import { OutputCollector } from './output-collector.ts'
import { ReportCollector } from './report-collector.ts'
import type { RunCleanup, RunFacts, RunHandle } from './run-handle.ts'
import { deriveScope, describeRun, type RunnableInfo, resolveRunHandlers, rootScope, type Scope } from './scope.ts'
import type { Tree, TreeMember } from './tree.ts'

/** The position of a run: below another run, or at the root of a tree. */
export interface RunInit {
  readonly tree: Tree
  readonly parent?: ActiveRun | undefined
  readonly options?: MergedOptions | undefined
  /** Framework tags of this run alone, e.g. `seq:step:1`. */
  readonly tags?: readonly string[]
  readonly streaming?: boolean
  /** Receives the events of this run and all runs below it. */
  readonly eventSink?: EventSink | undefined
  /** The run's description, if the run was made elsewhere. */
  readonly run?: Run | undefined
}

/** A run inside the runtime: emits its events, accumulates its output, and owns the resources that are released with it. */
export class ActiveRun implements RunHandle, TreeMember {
  readonly run: Run
  readonly tree: Tree
  readonly parent: ActiveRun | undefined
  readonly depth: number
  readonly scope: Scope
  readonly eventSinks: readonly EventSink[]
  readonly options: MergedOptions
  readonly dispatcher: EventDispatcher
  readonly reports: ReportCollector
  readonly output: OutputCollector = new OutputCollector()
  /** Whether a reader receives the chunks of this run as they arrive. Otherwise nothing is seen before its end. */
  readonly chunksAreRead: boolean
  /** False in a model that was asked for a whole response: then no token is emitted. */
  emitsTokens = true
  phase: 'new' | 'open' | 'ended' | 'failed' = 'new'
  error: unknown
  /** Whether the run was stopped from outside, not by a failure. */
  wasStopped = false
  openChildren: Set<TreeMember> | undefined
  #controller: AbortController | undefined
  #cleanups: RunCleanup[] = []
  #partialReport: RunReport = {}

  constructor(own: RunnableInfo, init: RunInit) {
    const { tree, parent, options = {}, tags = [], streaming, eventSink, run } = init
    this.tree = tree
    this.parent = parent
    this.options = options
    this.depth = parent ? parent.depth + 1 : 0
    this.chunksAreRead = streaming ?? parent?.chunksAreRead ?? false
    this.scope = deriveScope(parent?.scope ?? rootScope, options, streaming)
    this.eventSinks = eventSink ? [...(parent?.eventSinks ?? []), eventSink] : (parent?.eventSinks ?? [])
    this.reports = new ReportCollector(parent?.reports)
    this.run = run ?? describeRun(own, this.scope, parent?.run, options.runId ?? tree.newId(), options.runName, tags)
    this.dispatcher = new EventDispatcher(this, tree, resolveRunHandlers(this.scope, own), this.eventSinks, parent?.dispatcher)
  }

  get streaming(): boolean {
    return this.scope.streaming
  }

  get maxConcurrency(): number {
    return this.scope.maxConcurrency
  }

  /** Created on demand: a controller costs 1 µs, and most runs have nothing to abort. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.phase === 'failed') this.#controller.abort(this.error)
    return this.#controller.signal
  }

  /** Returns a closure, so that `({ emit }) => …` works; created when it is read. */
  get emit(): (payload: EmittablePayload) => void | Promise<void> {
    return (payload) => this.#emit(payload)
  }

  #emit(payload: EmittablePayload): void | Promise<void> {
    if (this.phase !== 'open') return
    const pending = this.dispatcher.emit(payload)
    const ready = pending ? pending.then(() => this.ready()) : this.ready()
    // A caller that does not await must not cause an unhandled rejection: what a handler raised fails the run at its end.
    ready?.catch(() => {})
    return ready
  }

  /** A promise while a reader of this run's events is behind. */
  ready(): Promise<void> | undefined {
    for (const sink of this.eventSinks) {
      const wait = sink.ready()
      if (wait) return wait.then(() => this.ready())
    }
  }

  onEnd(cleanup: RunCleanup): void {
    if (this.phase === 'failed') cleanup({ reason: this.error })
    else this.#cleanups.push(cleanup)
  }

  waitUntil(work: Promise<unknown>): void {
    this.tree.waitUntil(work)
  }

  report(facts: RunFacts): void {
    if (facts.emitsTokens !== undefined) this.emitsTokens = facts.emitsTokens
    this.tree.firstTokenAt ??= facts.firstTokenAt
    if (facts.isAborted) this.wasStopped = true
    this.reports.add(facts, this)
  }

  /** Adds the run to the open runs of its tree. The caller must emit the `start` event next. */
  markOpen(): void {
    this.phase = 'open'
    if (!this.parent) return
    this.parent.openChildren ??= new Set()
    this.parent.openChildren.add(this)
  }

  start(input: unknown, request?: ModelRequest): PendingHandlers {
    this.markOpen()
    const seen = this.dispatcher.hasListeners ? snapshot(input) : undefined
    return this.dispatcher.emit({ type: 'start', input: seen, ...(request && { request }) })
  }

  /** Completes the run, and closes runs below it that are still open. */
  end(): PendingHandlers {
    const { dispatcher } = this
    if (this.phase !== 'open') return
    if (this.openChildren?.size)
      closeDescendants(this.tree, this, new AbortReason(`${this.run.name} returned while this run was open. Await it, or return it.`))
    // A handler of those errors may have stopped this run too.
    if (this.phase !== 'open') return
    if (dispatcher.fatalError) throw dispatcher.fatalError.error
    this.finishAs('ended')
    for (const cleanup of this.#takeCleanups()) cleanup(undefined)
    const report = this.reports.finish(this.reports.truncated ? 'partial' : 'provider')
    return dispatcher.emit({ type: 'end', output: dispatcher.hasListeners ? snapshot(this.output.value) : undefined, ...report })
  }

  /** Stops the run and all runs below it, from outside. */
  stop(reason: unknown): void {
    if (this.phase === 'ended' || this.phase === 'failed') return
    this.wasStopped = true
    closeRun(this.tree, this, reason)
  }

  /** Closes the run with an error: the `error` event is the only one that it emits from here on. `stopWork` and `emitError` must follow. */
  markFailed(reason: unknown): void {
    this.finishAs('failed')
    this.error = reason
    this.dispatcher.isClosed = true
    this.#partialReport = this.reports.finish('partial')
  }

  /** Stops the work of a closed run: aborts its signal and releases its resources. */
  stopWork(): void {
    const cleanups = this.#takeCleanups()
    this.#controller?.abort(this.error)
    for (const cleanup of cleanups) cleanup({ reason: this.error })
  }

  #takeCleanups(): readonly RunCleanup[] {
    const cleanups = this.#cleanups
    this.#cleanups = []
    return cleanups
  }

  emitError(): void {
    const partial = this.dispatcher.hasListeners ? snapshot(this.output.value) : undefined
    void this.dispatcher.emit({ type: 'error', error: this.error, partial, ...this.#partialReport })
  }

  finishAs(phase: 'ended' | 'failed'): void {
    this.parent?.openChildren?.delete(this)
    this.phase = phase
  }
}

export const isActiveRun = (value: unknown): value is ActiveRun => value instanceof ActiveRun

/**
 * The runtime's run behind a context or a handle.
 *
 * @param name The runnable that is called with it, for the error.
 * @throws ChaintapError `invalid_options` for an object that the runtime did not make.
 */
export function toActiveRun(context: RunContext, name = 'the call'): ActiveRun {
  if (isActiveRun(context)) return context
  throw new ChaintapError('invalid_options', `The parent of ${name} is not a run context. Pass the context that your function received.`)
}
