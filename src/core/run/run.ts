import { AbortReason, type TruncatedError } from '../errors.ts'
import type { EmittablePayload, Handler, ResponseInfo, Run, RunContext, RunReport } from '../event.ts'
import { type Fold, RetainedOutput } from '../flow/fold.ts'
import type { MergedOptions } from '../options.ts'
import { addUsage, type Usage } from '../usage.ts'
import { snapshot } from '../util/snapshot.ts'
import { EventDispatcher, type PendingHandlers } from './dispatch.ts'
import type { EventSink } from './event-reader.ts'
import { deriveScope, type RunInit, type RunnableInfo, resolveRunHandlers, resolveRunTags, rootScope, type Scope } from './scope.ts'
import type { Tree } from './tree.ts'

/** Called when a run ends: with the reason where it failed, without where it ended well. */
export type Cleanup = (failure: { readonly reason: unknown } | undefined) => void

/** A run from within the runtime: it announces what happens, folds what passes, and owns what must be closed with it. */
export class ActiveRun implements RunContext {
  readonly run: Run
  readonly tree: Tree
  readonly parent: ActiveRun | undefined
  readonly depth: number
  readonly scope: Scope
  readonly eventSinks: readonly EventSink[]
  readonly options: MergedOptions
  readonly dispatcher: EventDispatcher
  /** Whether somebody needs the output: `late` where it may still be asked for. */
  outputNeeded: 'no' | 'late' | 'yes' = 'no'
  /** False in a model that was asked for a whole answer: then no token is told. */
  emitsTokens = true
  phase: 'new' | 'open' | 'ended' | 'failed' = 'new'
  error: unknown
  /** Whether it was stopped from outside, not by a failure. */
  wasStopped = false
  truncated: TruncatedError | undefined
  /** What this run's own model reported, and of which answer. */
  usage: Usage | undefined
  responseInfo: ResponseInfo | undefined
  /** What this run and all below it have reported. */
  totalUsage: Usage | undefined
  /** How many runs right below it are open. */
  openChildren = 0
  #controller: AbortController | undefined
  #cleanups: Cleanup[] = []
  #partialReport: RunReport = {}
  #retained: RetainedOutput | undefined

  constructor(own: RunnableInfo, place: RunInit) {
    const { tree, parent, options = {}, tags = [], streaming = false, eventSink, run } = place
    this.tree = tree
    this.parent = parent
    this.options = options
    this.depth = parent ? parent.depth + 1 : 0
    this.scope = deriveScope(parent?.scope ?? rootScope(streaming), options, streaming)
    this.eventSinks = eventSink ? [...(parent?.eventSinks ?? []), eventSink] : (parent?.eventSinks ?? [])
    const id = options.runId ?? tree.newId()
    this.run = run ?? {
      id,
      parentId: parent?.run.id,
      rootId: parent?.run.rootId ?? id,
      name: options.runName ?? own.name,
      kind: own.kind,
      tags: resolveRunTags(tags, this.scope, own),
      metadata: { ...this.scope.metadata, ...own.metadata },
    }
    this.dispatcher = new EventDispatcher(this.run, tree, resolveRunHandlers(this.scope, own), this.eventSinks)
  }

  /** Made on demand: a controller costs 1 µs, and most runs have nothing to abort. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.phase === 'failed') this.#controller.abort(this.error)
    return this.#controller.signal
  }

  /** A function of its own, so that `({ emit }) => …` works; made when somebody looks. */
  get emit(): (announcement: EmittablePayload) => void | Promise<void> {
    return (announcement) => this.#emit(announcement)
  }

  #emit(announcement: EmittablePayload): void | Promise<void> {
    if (this.phase !== 'open') return
    const heard = this.dispatcher.emit(announcement)
    const ready = heard ? heard.then(() => this.ready()) : this.ready()
    // Whoever does not await it must not meet an unhandled rejection: what was raised fails the run at its end.
    ready?.catch(() => {})
    return ready
  }

  /** A promise where a reader of this run's events is behind. */
  ready(): Promise<void> | undefined {
    for (const view of this.eventSinks) {
      const wait = view.ready()
      if (wait) return wait.then(() => this.ready())
    }
  }

  /** Has something released when the run ends; at once where it has failed already. */
  onEnd(release: Cleanup): void {
    if (this.phase === 'failed') release({ reason: this.error })
    else this.#cleanups.push(release)
  }

  start(input: unknown): PendingHandlers {
    const audience = this.dispatcher
    this.phase = 'open'
    this.tree.openRuns.push(this)
    if (this.parent) this.parent.openChildren++
    return audience.emit({ type: 'start', input: audience.hasListeners ? snapshot(input) : undefined })
  }

  /** Ends the run well, and what was left running below it by force. */
  end(): PendingHandlers {
    const audience = this.dispatcher
    if (this.phase !== 'open') return
    if (this.openChildren > 0)
      this.tree.closeDescendants(this, new AbortReason(`${this.run.name} returned while this run was going on. Await it, or return it.`))
    // A handler that heard of it may have stopped this run too.
    if (this.phase !== 'open') return
    if (audience.fatalError) throw audience.fatalError.error
    this.finishAs('ended')
    const owned = this.#cleanups
    this.#cleanups = []
    for (const release of owned) release(undefined)
    const report = this.#createReport(this.truncated ? 'partial' : 'provider')
    return audience.emit({ type: 'end', output: audience.hasListeners ? snapshot(this.output) : undefined, ...report })
  }

  /** Stops the run and all below it, from outside. */
  stop(reason: unknown): void {
    if (this.phase === 'ended' || this.phase === 'failed') return
    this.wasStopped = true
    this.tree.close(this, reason)
  }

  /** Says that the answer was cut and accepted so, of this run and all above it. */
  markTruncated(error: TruncatedError): void {
    this.truncated = error
    this.parent?.markTruncated(error)
  }

  /** Closes the run with an error: it tells nothing more but that. `release` and `emitError` must follow. */
  markFailed(reason: unknown): void {
    this.finishAs('failed')
    this.error = reason
    this.dispatcher.isClosed = true
    this.#partialReport = this.#createReport('partial')
  }

  /** Stops the work of a closed run. */
  stopWork(): void {
    const owned = this.#cleanups
    this.#cleanups = []
    this.#controller?.abort(this.error)
    for (const release of owned) release({ reason: this.error })
  }

  /** Tells each handler, after what `before` says that it must hear first. */
  emitError(before: Map<Handler, Promise<unknown>>): void {
    const partial = this.dispatcher.hasListeners ? snapshot(this.output) : undefined
    this.dispatcher.emitAfter(before, { type: 'error', error: this.error, partial, ...this.#partialReport })
  }

  /** Has what passes folded, where somebody needs the output: by `folding`, which does it already, or a fold of its own. */
  collectOutput(fold: () => Fold, folding: RetainedOutput | undefined): RetainedOutput | undefined {
    if (this.dispatcher.hasListeners) this.outputNeeded = 'yes'
    if (this.outputNeeded === 'no') return
    this.#retained = folding ?? new RetainedOutput(fold())
    if (this.outputNeeded === 'yes') this.#retained.retain()
    return this.#retained
  }

  /** Asks for the output. False where it is too late: nobody had asked, and it grew too large to keep. */
  retainOutput(): boolean {
    this.outputNeeded = 'yes'
    return this.#retained?.retain() ?? true
  }

  /** What has been folded so far. */
  get output(): unknown {
    return this.#retained?.result()
  }

  #createReport(source: 'provider' | 'partial'): RunReport {
    const usage = this.usage && { ...this.usage, requests: 1, source }
    if (usage) this.addToTotalUsage(usage)
    return { ...(usage && { usage }), ...(this.responseInfo && { answered: this.responseInfo }) }
  }

  addToTotalUsage(usage: Usage): void {
    this.totalUsage = addUsage(this.totalUsage, usage)
    this.parent?.addToTotalUsage(usage)
  }

  finishAs(phase: 'ended' | 'failed'): void {
    if (this.phase === 'open') {
      this.tree.openRuns.splice(this.tree.openRuns.lastIndexOf(this), 1)
      if (this.parent) this.parent.openChildren--
    }
    this.phase = phase
  }
}
