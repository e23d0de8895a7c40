import type { EventPayload, EventSink, Run, RunEvent, StopRun } from '../event.ts'
import { type Handler, isThenable, type ResolvedHandler, raisesErrors, reportHandlerError } from '../handler/handler.ts'
import { unique } from '../options.ts'
import type { Tree } from './tree.ts'

/** Where somebody must wait for handlers: rejects only with what a handler with `raiseError` threw. */
export type PendingHandlers = Promise<unknown> | undefined

/**
 * One handler's place at one run.
 *
 * - It hears the run's events in order, one at a time (P4).
 * - Its failure reaches the run only where it asked for that, and is reported once otherwise (P5).
 */
class HandlerQueue {
  readonly resolved: ResolvedHandler
  /** Settles when it has heard everything so far; never rejects. */
  pending: Promise<unknown> | undefined
  readonly #fail: (error: unknown, event: RunEvent, handler: Handler) => void
  readonly #stop: StopRun

  /** `fail` throws what shall fail the run, and reports what shall not. */
  constructor(lifted: ResolvedHandler, fail: (error: unknown, event: RunEvent, handler: Handler) => void, stop: StopRun) {
    this.resolved = lifted
    this.#fail = fail
    this.#stop = stop
  }

  deliver(event: RunEvent): PendingHandlers {
    if (this.pending)
      return this.#trackPending(
        this.pending.then(() => this.resolved.listener(event, this.#stop)),
        event,
      )
    let answer: unknown
    try {
      answer = this.resolved.listener(event, this.#stop)
    } catch (error) {
      this.#fail(error, event, this.resolved.handler)
      return
    }
    if (answer !== undefined && isThenable(answer)) return this.#trackPending(answer, event)
  }

  /** Puts `wait` before whatever it hears next. */
  waitFor(wait: Promise<unknown>): void {
    const busy = this.pending
    this.pending = busy ? busy.then(() => wait) : wait
  }

  #trackPending(answer: PromiseLike<unknown>, event: RunEvent): Promise<unknown> {
    const heard = Promise.resolve(answer).then(undefined, (error: unknown) => this.#fail(error, event, this.resolved.handler))
    const rest = (): void => {
      if (this.pending === busy) this.pending = undefined
    }
    const busy: Promise<unknown> = heard.then(rest, rest)
    this.pending = busy
    return heard
  }
}

/** The handlers of one run: the one place where events are made and told (P4, P5). */
export class EventDispatcher {
  /** What a handler with `raiseError` threw; whoever waited has got it already. */
  fatalError: { readonly error: unknown } | undefined
  /** Set when the run has failed: from then on no handler can fail it any more. */
  isClosed = false
  /** Whether anybody listens: where nobody does, events are counted and not made. */
  hasListeners: boolean
  readonly #run: Run
  readonly #tree: Tree
  readonly #eventSinks: readonly EventSink[]
  #handlers: readonly Handler[]
  #createdQueues: readonly HandlerQueue[] | undefined

  constructor(run: Run, tree: Tree, handlers: readonly Handler[], views: readonly EventSink[]) {
    this.#run = run
    this.#tree = tree
    this.#handlers = handlers
    this.#eventSinks = views
    this.hasListeners = handlers.length > 0 || views.length > 0
  }

  /** Lets more handlers in; only before the first event. */
  addHandlers(handlers: readonly Handler[]): void {
    this.#handlers = unique([...this.#handlers, ...handlers])
    this.hasListeners ||= handlers.length > 0
  }

  // Taken at the first event: a run that never starts takes no stream's writer, and has nobody flushed.
  get #queues(): readonly HandlerQueue[] {
    this.#createdQueues ??= this.#handlers.map(
      (handler) => new HandlerQueue(this.#tree.resolveHandler(handler), this.#onHandlerError, this.#stopRun),
    )
    return this.#createdQueues
  }

  // Beside tell() for speed: spreading the happening costs as much as ten handlers.
  emitToken(token: string): PendingHandlers {
    const tree = this.#tree
    const seq = tree.seq++
    if (!this.hasListeners) return
    // One look at the clock per wire chunk: it costs more than a handler does.
    tree.passStartedAt ||= Date.now()
    return this.#dispatch({ run: this.#run, at: tree.passStartedAt, seq, type: 'token', token })
  }

  emit(happening: EventPayload): PendingHandlers {
    const seq = this.#tree.seq++
    if (this.hasListeners) return this.#dispatch({ run: this.#run, at: Date.now(), seq, ...happening })
  }

  /** An event that was made elsewhere: as it is, but for its number here and the clock, which is moved by so many ms. */
  forward(event: RunEvent, shift: number): PendingHandlers {
    const seq = this.#tree.seq++
    if (this.hasListeners) return this.#dispatch({ ...event, run: this.#run, at: event.at + shift, seq })
  }

  /** A chunk is for the reader of `events()` alone: handlers have heard its tokens from the run that made them. */
  emitChunk(chunk: unknown): void {
    const event: RunEvent = { run: this.#run, at: Date.now(), seq: this.#tree.seq++, type: 'chunk', chunk }
    this.#eventSinks.at(-1)?.push(event, undefined)
  }

  /** Makes each handler hear what comes next only after what `before` holds for it, and leaves there what it is busy with then. */
  emitAfter(before: Map<Handler, Promise<unknown>>, happening: EventPayload): void {
    for (const seat of this.#queues) {
      const first = before.get(seat.resolved.handler)
      if (first) seat.waitFor(first)
    }
    void this.emit(happening)
    for (const seat of this.#queues) if (seat.pending) before.set(seat.resolved.handler, seat.pending)
  }

  #dispatch(event: RunEvent): PendingHandlers {
    const tree = this.#tree
    let waits: Promise<unknown>[] | undefined
    let raised: { readonly error: unknown } | undefined
    tree.dispatchDepth++
    for (const seat of this.#queues) {
      try {
        const wait = seat.deliver(event)
        if (wait) {
          waits ??= []
          waits.push(wait)
        }
      } catch (error) {
        raised ??= { error }
      }
    }
    const wait = waits && (waits.length === 1 ? waits[0] : Promise.all(waits))
    if (wait) {
      tree.track(wait)
      tree.passStartedAt = 0
    }
    if (this.#eventSinks.length > 0) for (const view of this.#eventSinks) view.push(event, wait)
    tree.endDispatch()
    if (raised) throw raised.error
    return wait
  }

  readonly #stopRun: StopRun = (reason) => this.#tree.openRuns.find(({ run }) => run === this.#run)?.stop(reason)

  readonly #onHandlerError = (error: unknown, event: RunEvent, handler: Handler): void => {
    if (!raisesErrors(handler) || this.isClosed) return reportHandlerError(error, event, handler, this.#tree.onHandlerError)
    this.fatalError ??= { error }
    this.#tree.fatalErrors ??= new Set()
    this.#tree.fatalErrors.add(error)
    throw error
  }
}
