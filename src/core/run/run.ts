import { AbortReason, type TruncatedError } from '../errors.ts'
import type { Announcement, Answered, Handler, Reported, Run, RunContext } from '../event.ts'
import { type Fold, Kept } from '../flow/fold.ts'
import type { MergedOptions } from '../options.ts'
import { addUsage, type Usage } from '../usage.ts'
import { snapshot } from '../util/snapshot.ts'
import { Audience, type Wait } from './dispatch.ts'
import type { View } from './event-reader.ts'
import { handlersAt, type Own, type Place, rootScope, type Scope, scopeBelow, tagsAt } from './scope.ts'
import type { Tree } from './tree.ts'

/** Called when a run ends: with the reason where it failed, without where it ended well. */
export type Release = (failure: { readonly reason: unknown } | undefined) => void

/** A run from within the runtime: it announces what happens, folds what passes, and owns what must be closed with it. */
export class OpenRun implements RunContext {
  readonly run: Run
  readonly tree: Tree
  readonly parent: OpenRun | undefined
  readonly depth: number
  readonly scope: Scope
  readonly views: readonly View[]
  readonly options: MergedOptions
  readonly audience: Audience
  /** Whether somebody needs the output: `late` where it may still be asked for. */
  wanted: 'no' | 'late' | 'yes' = 'no'
  /** False in a model that was asked for a whole answer: then no token is told. */
  announces = true
  phase: 'new' | 'open' | 'ended' | 'failed' = 'new'
  error: unknown
  /** Whether it was stopped from outside, not by a failure. */
  stopped = false
  truncated: TruncatedError | undefined
  /** What this run's own model reported, and of which answer. */
  usage: Usage | undefined
  answered: Answered | undefined
  /** What this run and all below it have reported. */
  total: Usage | undefined
  /** How many runs right below it are open. */
  children = 0
  #controller: AbortController | undefined
  #owned: Release[] = []
  #partialReport: Reported = {}
  #kept: Kept | undefined

  constructor(own: Own, place: Place) {
    const { tree, parent, options = {}, tags = [], streaming = false, view, run } = place
    this.tree = tree
    this.parent = parent
    this.options = options
    this.depth = parent ? parent.depth + 1 : 0
    this.scope = scopeBelow(parent?.scope ?? rootScope(streaming), options, streaming)
    this.views = view ? [...(parent?.views ?? []), view] : (parent?.views ?? [])
    const id = options.runId ?? tree.newId()
    this.run = run ?? {
      id,
      parentId: parent?.run.id,
      rootId: parent?.run.rootId ?? id,
      name: options.runName ?? own.name,
      kind: own.kind,
      tags: tagsAt(tags, this.scope, own),
      metadata: { ...this.scope.metadata, ...own.metadata },
    }
    this.audience = new Audience(this.run, tree, handlersAt(this.scope, own), this.views)
  }

  /** Made on demand: a controller costs 1 µs, and most runs have nothing to abort. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.phase === 'failed') this.#controller.abort(this.error)
    return this.#controller.signal
  }

  /** A function of its own, so that `({ emit }) => …` works; made when somebody looks. */
  get emit(): (announcement: Announcement) => void | Promise<void> {
    return (announcement) => this.#emit(announcement)
  }

  #emit(announcement: Announcement): void | Promise<void> {
    if (this.phase !== 'open') return
    const heard = this.audience.tell(announcement)
    const ready = heard ? heard.then(() => this.gate()) : this.gate()
    // Whoever does not await it must not meet an unhandled rejection: what was raised fails the run at its end.
    ready?.catch(() => {})
    return ready
  }

  /** A promise where a reader of this run's events is behind. */
  gate(): Promise<void> | undefined {
    for (const view of this.views) {
      const wait = view.gate()
      if (wait) return wait.then(() => this.gate())
    }
  }

  /** Has something released when the run ends; at once where it has failed already. */
  own(release: Release): void {
    if (this.phase === 'failed') release({ reason: this.error })
    else this.#owned.push(release)
  }

  start(input: unknown): Wait {
    const audience = this.audience
    this.phase = 'open'
    this.tree.open.push(this)
    if (this.parent) this.parent.children++
    return audience.tell({ type: 'start', input: audience.present ? snapshot(input) : undefined })
  }

  /** Ends the run well, and what was left running below it by force. */
  end(): Wait {
    const audience = this.audience
    if (this.phase !== 'open') return
    if (this.children > 0)
      this.tree.closeBelow(this, new AbortReason(`${this.run.name} returned while this run was going on. Await it, or return it.`))
    // A handler that heard of it may have stopped this run too.
    if (this.phase !== 'open') return
    if (audience.raised) throw audience.raised.error
    this.leave('ended')
    const owned = this.#owned
    this.#owned = []
    for (const release of owned) release(undefined)
    const report = this.#report(this.truncated ? 'partial' : 'provider')
    return audience.tell({ type: 'end', output: audience.present ? snapshot(this.output) : undefined, ...report })
  }

  /** Stops the run and all below it, from outside. */
  stop(reason: unknown): void {
    if (this.phase === 'ended' || this.phase === 'failed') return
    this.stopped = true
    this.tree.close(this, reason)
  }

  /** Says that the answer was cut and accepted so, of this run and all above it. */
  markTruncated(error: TruncatedError): void {
    this.truncated = error
    this.parent?.markTruncated(error)
  }

  /** Closes the run with an error: it tells nothing more but that. `release` and `tellError` must follow. */
  seal(reason: unknown): void {
    this.leave('failed')
    this.error = reason
    this.audience.over = true
    this.#partialReport = this.#report('partial')
  }

  /** Stops the work of a closed run. */
  release(): void {
    const owned = this.#owned
    this.#owned = []
    this.#controller?.abort(this.error)
    for (const release of owned) release({ reason: this.error })
  }

  /** Tells each handler, after what `before` says that it must hear first. */
  tellError(before: Map<Handler, Promise<unknown>>): void {
    const partial = this.audience.present ? snapshot(this.output) : undefined
    this.audience.tellAfter(before, { type: 'error', error: this.error, partial, ...this.#partialReport })
  }

  /** Has what passes folded, where somebody needs the output: by `folding`, which does it already, or a fold of its own. */
  keep(fold: () => Fold, folding: Kept | undefined): Kept | undefined {
    if (this.audience.present) this.wanted = 'yes'
    if (this.wanted === 'no') return
    this.#kept = folding ?? new Kept(fold())
    if (this.wanted === 'yes') this.#kept.ask()
    return this.#kept
  }

  /** Asks for the output. False where it is too late: nobody had asked, and it grew too large to keep. */
  ask(): boolean {
    this.wanted = 'yes'
    return this.#kept?.ask() ?? true
  }

  /** What has been folded so far. */
  get output(): unknown {
    return this.#kept?.result()
  }

  #report(source: 'provider' | 'partial'): Reported {
    const usage = this.usage && { ...this.usage, requests: 1, source }
    if (usage) this.addUp(usage)
    return { ...(usage && { usage }), ...(this.answered && { answered: this.answered }) }
  }

  addUp(usage: Usage): void {
    this.total = addUsage(this.total, usage)
    this.parent?.addUp(usage)
  }

  leave(phase: 'ended' | 'failed'): void {
    if (this.phase === 'open') {
      this.tree.open.splice(this.tree.open.lastIndexOf(this), 1)
      if (this.parent) this.parent.children--
    }
    this.phase = phase
  }
}
