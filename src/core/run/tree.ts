import type { Handler, Listener } from '../event.ts'
import { type Lifted, lift, report } from '../handler/handler.ts'
import type { CallbackMethods } from '../handler/methods.ts'
import type { RunOptions } from '../options.ts'
import { idFactory } from '../util/id.ts'
import type { OpenRun } from './run.ts'

/** What all runs of one root share: ids, order, who is open, which handlers were reached. Nothing outlives it (P9). */
export class Tree {
  readonly newId: () => string = idFactory()
  readonly onHandlerError: RunOptions['onHandlerError']
  /** Number of the next event. */
  seq = 0
  /** When the pass that is going on began; 0 where nobody has looked at the clock in it. Each read of a source resets it. */
  passAt = 0
  /** When a model first said something, ms since epoch. */
  firstTokenAt: number | undefined
  /** Open runs in the order of their start. */
  readonly open: OpenRun[] = []
  /** How many events are being told: a handler that stops a run has the end told after them. */
  telling = 0
  /** What handlers with `raiseError` threw: whoever makes do with a child's failure lets these through. */
  raised: Set<unknown> | undefined
  readonly #later: (() => void)[] = []
  readonly #lifted = new Map<Handler, Lifted>()
  readonly #waits = new Set<Promise<unknown>>()
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

  lift(handler: Handler): Lifted {
    const known = this.#lifted.get(handler)
    if (known) return known
    const lifted = lift(handler)
    this.#lifted.set(handler, lifted)
    return lifted
  }

  /** Remembers what a handler is still busy with. */
  track(wait: Promise<unknown>): void {
    this.#waits.add(wait)
    const done = (): void => void this.#waits.delete(wait)
    wait.then(done, done)
  }

  /** Settles when no handler is busy. */
  async settled(): Promise<void> {
    while (this.#waits.size > 0) await Promise.allSettled(this.#waits)
  }

  /**
   * Ends a run and everything below it with an error: all are closed, then all stop working (signals abort, bodies are cancelled),
   * then their ends are told: children before parents, siblings in the order in which they started (P1, P2).
   */
  close(top: OpenRun, reason: unknown): void {
    this.#close((run) => isWithin(run, top), reason)
    // A run that never started has no end to tell, but may own what must be closed.
    if (top.phase !== 'new') return
    top.seal(reason)
    top.release()
  }

  closeBelow(top: OpenRun, reason: unknown): void {
    this.#close((run) => run !== top && isWithin(run, top), reason)
  }

  #close(isMeant: (run: OpenRun) => boolean, reason: unknown): void {
    const closing = this.open.filter(isMeant).sort((a, b) => b.depth - a.depth)
    for (const run of closing) run.seal(reason)
    this.telling++
    // Before the release, which may close runs above: their errors come after these.
    this.#later.push(() => {
      // A parent's error waits, handler by handler, until that handler has heard its children's.
      const before = new Map<Handler, Promise<unknown>>()
      this.telling++
      for (const run of closing) run.tellError(before)
      this.told()
    })
    for (const run of closing) run.release()
    this.told()
  }

  /** An event has been told. */
  told(): void {
    this.telling--
    while (this.telling === 0 && this.#later.length > 0) this.#later.shift()?.()
  }

  /** The root has ended: lets the handlers finish, and flushes each once. */
  async finish(): Promise<void> {
    // A stop ends the outcome before the runs' errors are told, in the same turn: those are waited for too.
    await Promise.resolve()
    await this.settled()
    const flushing: Promise<void>[] = []
    for (const handler of this.#lifted.keys()) if ('flush' in handler) flushing.push(this.#flush(handler))
    await Promise.all(flushing)
    this.#isFlushed = true
    this.#flushed?.resolve()
  }

  async #flush(handler: Listener | CallbackMethods): Promise<void> {
    try {
      await handler.flush?.()
    } catch (error) {
      report(error, undefined, handler, this.onHandlerError)
    }
  }
}

const isWithin = (run: OpenRun | undefined, top: OpenRun): boolean => run !== undefined && (run === top || isWithin(run.parent, top))
