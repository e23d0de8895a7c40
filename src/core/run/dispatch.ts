import type { EventPayload, EventSink, Run, RunEvent, StopRun } from '../event.ts'
import {
  type BusyQueue,
  type Handler,
  isThenable,
  pendingWithin,
  type ResolvedHandler,
  raisesErrors,
  reportHandlerError,
} from '../handler/handler.ts'
import { unique } from '../options.ts'
import type { Tree, TreeMember } from './tree.ts'

/** Settles when the handlers have processed an event; rejects only with an error of a handler with `raiseError`. */
export type PendingHandlers = Promise<unknown> | undefined

/**
 * One handler of one run.
 *
 * - It receives the run's events in order, one at a time, and after all pending events of the runs below (P1, P4).
 * - Its failure fails the run if it has `raiseError`, and is reported once otherwise (P5).
 */
class HandlerQueue implements BusyQueue {
  /** Settles when the handler has processed all events so far; never rejects. */
  pending: Promise<unknown> | undefined
  readonly #owner: EventDispatcher
  readonly #resolved: ResolvedHandler

  constructor(owner: EventDispatcher, resolved: ResolvedHandler) {
    this.#owner = owner
    this.#resolved = resolved
  }

  deliver(event: RunEvent): PendingHandlers {
    const { listener, handler, busyQueues } = this.#resolved
    const earlier = busyQueues.size > 0 ? pendingWithin(busyQueues, this.#owner) : undefined
    if (earlier)
      return this.#trackPending(
        earlier.then(() => listener(event, this.#owner.stopRun)),
        event,
      )
    let result: unknown
    try {
      result = listener(event, this.#owner.stopRun)
    } catch (error) {
      this.#owner.onHandlerError(error, event, handler)
      return
    }
    if (result !== undefined && isThenable(result)) return this.#trackPending(result, event)
  }

  isWithin(owner: object): boolean {
    for (let at: EventDispatcher | undefined = this.#owner; at; at = at.parent) if (at === owner) return true
    return false
  }

  #trackPending(result: PromiseLike<unknown>, event: RunEvent): Promise<unknown> {
    const { handler, busyQueues } = this.#resolved
    const handled = Promise.resolve(result).then(undefined, (error: unknown) => this.#owner.onHandlerError(error, event, handler))
    const clear = (): void => {
      if (this.pending !== pending) return
      this.pending = undefined
      busyQueues.delete(this)
    }
    const pending: Promise<unknown> = handled.then(clear, clear)
    this.pending = pending
    busyQueues.add(this)
    return handled
  }
}

/** Makes the events of one run and delivers them to its handlers and event readers (P4, P5). Nothing else does. */
export class EventDispatcher {
  /** The first error of a handler with `raiseError`. Callers that awaited the event have received it already. */
  fatalError: { readonly error: unknown } | undefined
  /** Set when the run has failed: from then on no handler can fail it. */
  isClosed = false
  /** Whether the run has handlers or event readers. If not, events are counted and not created. */
  hasListeners: boolean
  readonly parent: EventDispatcher | undefined
  readonly #owner: TreeMember
  readonly #run: Run
  readonly #tree: Tree
  readonly #eventSinks: readonly EventSink[]
  #handlers: readonly Handler[]
  #createdQueues: readonly HandlerQueue[] | undefined

  constructor(
    owner: TreeMember,
    tree: Tree,
    handlers: readonly Handler[],
    eventSinks: readonly EventSink[],
    parent: EventDispatcher | undefined,
  ) {
    this.parent = parent
    this.#owner = owner
    this.#run = owner.run
    this.#tree = tree
    this.#handlers = handlers
    this.#eventSinks = eventSinks
    this.hasListeners = handlers.length > 0 || eventSinks.length > 0
  }

  /** Adds handlers; only before the first event. */
  addHandlers(handlers: readonly Handler[]): void {
    this.#handlers = unique([...this.#handlers, ...handlers])
    this.hasListeners ||= handlers.length > 0
  }

  // Created at the first event: a run that never starts takes no stream's writer, and flushes no handler.
  get #queues(): readonly HandlerQueue[] {
    this.#createdQueues ??= this.#handlers.map((handler) => new HandlerQueue(this, this.#tree.resolveHandler(handler)))
    return this.#createdQueues
  }

  // Apart from emit() for speed: spreading the payload costs as much as ten handlers.
  emitToken(token: string): PendingHandlers {
    const tree = this.#tree
    const seq = tree.seq++
    if (!this.hasListeners) return
    // The clock is read once per wire chunk: reading it costs more than a handler.
    tree.passStartedAt ||= Date.now()
    return this.#dispatch({ run: this.#run, at: tree.passStartedAt, seq, type: 'token', token })
  }

  emit(payload: EventPayload): PendingHandlers {
    const seq = this.#tree.seq++
    if (this.hasListeners) return this.#dispatch({ run: this.#run, at: Date.now(), seq, ...payload })
  }

  /** Delivers an event that was created elsewhere, with a `seq` of this tree and its time moved by `clockOffsetMs`. */
  forward(event: RunEvent, clockOffsetMs: number): PendingHandlers {
    const seq = this.#tree.seq++
    if (this.hasListeners) return this.#dispatch({ ...event, run: this.#run, at: event.at + clockOffsetMs, seq })
  }

  /** Delivers a `chunk` event to the reader of `events()` only: handlers receive the tokens from the run that emits them. */
  emitChunk(chunk: unknown): void {
    const event: RunEvent = { run: this.#run, at: Date.now(), seq: this.#tree.seq++, type: 'chunk', chunk }
    this.#eventSinks.at(-1)?.push(event, undefined)
  }

  #dispatch(event: RunEvent): PendingHandlers {
    const tree = this.#tree
    let waits: Promise<unknown>[] | undefined
    let raised: { readonly error: unknown } | undefined
    tree.dispatchDepth++
    for (const queue of this.#queues) {
      try {
        const wait = queue.deliver(event)
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
    if (this.#eventSinks.length > 0) for (const sink of this.#eventSinks) sink.push(event, wait)
    tree.endDispatch()
    if (raised) throw raised.error
    return wait
  }

  /** The function that a handler receives beside an event. */
  readonly stopRun: StopRun = (reason) => {
    if (this.#owner.phase === 'open') this.#owner.stop(reason)
  }

  /** Throws an error that fails the run, and reports any other. */
  onHandlerError(error: unknown, event: RunEvent, handler: Handler): void {
    if (!raisesErrors(handler) || this.isClosed) return reportHandlerError(error, event, handler, this.#tree.onHandlerError)
    this.fatalError ??= { error }
    this.#tree.fatalErrors ??= new Set()
    this.#tree.fatalErrors.add(error)
    throw error
  }
}
