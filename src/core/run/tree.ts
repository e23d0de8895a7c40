import type { Listener, Run } from '../event.ts'
import { type Handler, type ResolvedHandler, reportHandlerError, toListener } from '../handler/handler.ts'
import type { CallbackMethods } from '../handler/methods.ts'
import type { RunOptions } from '../options.ts'
import { idFactory } from '../util/id.ts'

/** A run as its tree sees it. */
export interface TreeMember {
  readonly run: Run
  readonly parent: TreeMember | undefined
  readonly depth: number
  readonly phase: 'new' | 'open' | 'ended' | 'failed'
  stop(reason: unknown): void
  markFailed(reason: unknown): void
  stopWork(): void
  emitError(before: Map<Handler, Promise<unknown>>): void
}

/** What all runs of one root share: ids, order, who is open, which handlers were reached. Nothing outlives it (P9). */
export class Tree {
  readonly newId: () => string = idFactory()
  readonly onHandlerError: RunOptions['onHandlerError']
  /** Number of the next event. */
  seq = 0
  /** When the pass that is going on began; 0 where nobody has looked at the clock in it. Each read of a source resets it. */
  passStartedAt = 0
  /** When a model first said something, ms since epoch. */
  firstTokenAt: number | undefined
  /** Open runs in the order of their start. */
  readonly openRuns: TreeMember[] = []
  /** How many events are being told: a handler that stops a run has the end told after them. */
  dispatchDepth = 0
  /** What handlers with `raiseError` threw: whoever makes do with a child's failure lets these through. */
  fatalErrors: Set<unknown> | undefined
  readonly #deferred: (() => void)[] = []
  readonly #resolvedHandlers = new Map<Handler, ResolvedHandler>()
  readonly #pendingWork = new Set<Promise<unknown>>()
  /** Work that runnables left behind; `flushed` waits for it. */
  readonly #tailWork: Promise<unknown>[] = []
  #isFlushed = false
  #flushed: PromiseWithResolvers<void> | undefined

  constructor(onHandlerError: RunOptions['onHandlerError']) {
    this.onHandlerError = onHandlerError
  }

  /** Settles when the tree's handlers have heard everything and flushed. */
  get flushed(): Promise<void> {
    this.#flushed ??= Promise.withResolvers()
    if (this.#isFlushed) this.#flushed.resolve()
    return this.#flushed.promise
  }

  resolveHandler(handler: Handler): ResolvedHandler {
    const known = this.#resolvedHandlers.get(handler)
    if (known) return known
    const lifted = toListener(handler)
    this.#resolvedHandlers.set(handler, lifted)
    return lifted
  }

  /** Remembers what a handler is still busy with. */
  track(wait: Promise<unknown>): void {
    this.#pendingWork.add(wait)
    const done = (): void => void this.#pendingWork.delete(wait)
    wait.then(done, done)
  }

  /** Makes `flushed` wait for `work` too. Handlers do not wait for it. */
  waitUntil(work: Promise<unknown>): void {
    this.#tailWork.push(work.catch(() => {}))
  }

  /** Settles when no handler is busy. */
  async settled(): Promise<void> {
    while (this.#pendingWork.size > 0) await Promise.allSettled(this.#pendingWork)
  }

  /**
   * Ends a run and everything below it with an error: all are closed, then all stop working (signals abort, bodies are cancelled),
   * then their ends are told: children before parents, siblings in the order in which they started (P1, P2).
   */
  close(top: TreeMember, reason: unknown): void {
    this.#close((run) => isWithin(run, top), reason)
    // A run that never started has no end to tell, but may own what must be closed.
    if (top.phase !== 'new') return
    top.markFailed(reason)
    top.stopWork()
  }

  closeDescendants(top: TreeMember, reason: unknown): void {
    this.#close((run) => run !== top && isWithin(run, top), reason)
  }

  #close(isMeant: (run: TreeMember) => boolean, reason: unknown): void {
    const closing = this.openRuns.filter(isMeant).sort((a, b) => b.depth - a.depth)
    for (const run of closing) run.markFailed(reason)
    this.dispatchDepth++
    // Before the release, which may close runs above: their errors come after these.
    this.#deferred.push(() => {
      // A parent's error waits, handler by handler, until that handler has heard its children's.
      const before = new Map<Handler, Promise<unknown>>()
      this.dispatchDepth++
      for (const run of closing) run.emitError(before)
      this.endDispatch()
    })
    for (const run of closing) run.stopWork()
    this.endDispatch()
  }

  /** An event has been told. */
  endDispatch(): void {
    this.dispatchDepth--
    while (this.dispatchDepth === 0 && this.#deferred.length > 0) this.#deferred.shift()?.()
  }

  /** The root has ended: lets the handlers finish, and flushes each once. */
  async finish(): Promise<void> {
    // A stop ends the outcome before the runs' errors are told, in the same turn: those are waited for too.
    await Promise.resolve()
    await this.settled()
    const flushing: Promise<void>[] = []
    for (const handler of this.#resolvedHandlers.keys()) if ('flush' in handler) flushing.push(this.#flush(handler))
    await Promise.all(flushing)
    for (let work = this.#tailWork.shift(); work; work = this.#tailWork.shift()) await work
    this.#isFlushed = true
    this.#flushed?.resolve()
  }

  async #flush(handler: Listener | CallbackMethods): Promise<void> {
    try {
      await handler.flush?.()
    } catch (error) {
      reportHandlerError(error, undefined, handler, this.onHandlerError)
    }
  }
}

const isWithin = (run: TreeMember | undefined, top: TreeMember): boolean => run !== undefined && (run === top || isWithin(run.parent, top))
