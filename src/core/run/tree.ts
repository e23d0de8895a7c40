import type { Listener, Run } from '../event.ts'
import { type Handler, pendingWithin, type ResolvedHandler, reportHandlerError, toListener } from '../handler/handler.ts'
import type { CallbackMethods } from '../handler/methods.ts'
import type { RunOptions } from '../options.ts'
import { idFactory } from '../util/id.ts'

/** A run as its tree sees it. */
export interface TreeMember {
  readonly run: Run
  readonly depth: number
  readonly phase: 'new' | 'open' | 'ended' | 'failed'
  /** The open runs directly below, in the order of their start. */
  readonly openChildren: ReadonlySet<TreeMember> | undefined
  stop(reason: unknown): void
  markFailed(reason: unknown): void
  stopWork(): void
  emitError(): void
}

/** The state that all runs of one root share: ids, event order, handlers. Nothing in it is global (P9). */
export class Tree {
  readonly newId: () => string = idFactory()
  readonly onHandlerError: RunOptions['onHandlerError']
  /** `seq` of the next event. */
  seq = 0
  /** Whether usage that is not a count was reported. */
  hasReportedUsage = false
  /** When the current pass over a wire chunk began, in ms since epoch; 0 until the clock is read in it. Each read of a source resets it. */
  passStartedAt = 0
  /** When the first token arrived, in ms since epoch. */
  firstTokenAt: number | undefined
  /** How many events are being dispatched. If a handler stops a run, the run's end is emitted after them. */
  dispatchDepth = 0
  /** Errors of handlers with `raiseError`: no retry, fallback or agent may recover from them. */
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

  /** Settles when the tree's handlers have processed all events and are flushed. */
  get flushed(): Promise<void> {
    this.#flushed ??= Promise.withResolvers()
    if (this.#isFlushed) this.#flushed.resolve()
    return this.#flushed.promise
  }

  resolveHandler(handler: Handler): ResolvedHandler {
    const known = this.#resolvedHandlers.get(handler)
    if (known) return known
    const resolved = toListener(handler)
    this.#resolvedHandlers.set(handler, resolved)
    return resolved
  }

  /** Remembers the promise of a handler, for `settled`. */
  track(wait: Promise<unknown>): void {
    this.#pendingWork.add(wait)
    const done = (): void => void this.#pendingWork.delete(wait)
    wait.then(done, done)
  }

  /** Settles when no handler is busy with an event of a run or of one below it; undefined if none is. */
  handledWithin(owner: object): Promise<unknown> | undefined {
    return pendingWithin(
      [...this.#resolvedHandlers.values()].flatMap(({ busyQueues }) => [...busyQueues]),
      owner,
    )
  }

  /** Makes `flushed` wait for `work` too. Handlers do not wait for it. */
  waitUntil(work: Promise<unknown>): void {
    this.#tailWork.push(work.catch(() => {}))
  }

  /** Settles when no handler is busy. */
  async settled(): Promise<void> {
    while (this.#pendingWork.size > 0) await Promise.allSettled(this.#pendingWork)
  }

  /** Runs `work` when no dispatch is in progress, after work that was deferred before it. */
  defer(work: () => void): void {
    this.#deferred.push(work)
  }

  /** Called after each dispatch; emits the ends that were deferred to it. */
  endDispatch(): void {
    this.dispatchDepth--
    while (this.dispatchDepth === 0 && this.#deferred.length > 0) this.#deferred.shift()?.()
  }

  /** Called when the root has ended: waits for the handlers, and flushes each once. */
  async finish(): Promise<void> {
    // A stop settles the outcome before the runs' errors are emitted, in the same turn: wait for those too.
    await Promise.resolve()
    await this.settled()
    const flushing: Promise<void>[] = []
    for (const { handler } of this.#resolvedHandlers.values()) if ('flush' in handler) flushing.push(this.#flush(handler))
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
