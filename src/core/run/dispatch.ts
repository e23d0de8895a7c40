import type { Handler, Happening, Run, RunEvent, Stop } from '../event.ts'
import { isThenable, type Lifted, raises, report } from '../handler/handler.ts'
import { unique } from '../options.ts'
import type { View } from './event-reader.ts'
import type { Tree } from './tree.ts'

/** Where somebody must wait for handlers: rejects only with what a handler with `raiseError` threw. */
export type Wait = Promise<unknown> | undefined

/**
 * One handler's place at one run.
 *
 * - It hears the run's events in order, one at a time (P4).
 * - Its failure reaches the run only where it asked for that, and is reported once otherwise (P5).
 */
class Seat {
  readonly lifted: Lifted
  /** Settles when it has heard everything so far; never rejects. */
  busy: Promise<unknown> | undefined
  readonly #fail: (error: unknown, event: RunEvent, handler: Handler) => void
  readonly #stop: Stop

  /** `fail` throws what shall fail the run, and reports what shall not. */
  constructor(lifted: Lifted, fail: (error: unknown, event: RunEvent, handler: Handler) => void, stop: Stop) {
    this.lifted = lifted
    this.#fail = fail
    this.#stop = stop
  }

  hear(event: RunEvent): Wait {
    if (this.busy)
      return this.#keep(
        this.busy.then(() => this.lifted.hear(event, this.#stop)),
        event,
      )
    let answer: unknown
    try {
      answer = this.lifted.hear(event, this.#stop)
    } catch (error) {
      this.#fail(error, event, this.lifted.handler)
      return
    }
    if (answer !== undefined && isThenable(answer)) return this.#keep(answer, event)
  }

  /** Puts `wait` before whatever it hears next. */
  after(wait: Promise<unknown>): void {
    const busy = this.busy
    this.busy = busy ? busy.then(() => wait) : wait
  }

  #keep(answer: PromiseLike<unknown>, event: RunEvent): Promise<unknown> {
    const heard = Promise.resolve(answer).then(undefined, (error: unknown) => this.#fail(error, event, this.lifted.handler))
    const rest = (): void => {
      if (this.busy === busy) this.busy = undefined
    }
    const busy: Promise<unknown> = heard.then(rest, rest)
    this.busy = busy
    return heard
  }
}

/** The handlers of one run: the one place where events are made and told (P4, P5). */
export class Audience {
  /** What a handler with `raiseError` threw; whoever waited has got it already. */
  raised: { readonly error: unknown } | undefined
  /** Set when the run has failed: from then on no handler can fail it any more. */
  over = false
  /** Whether anybody listens: where nobody does, events are counted and not made. */
  present: boolean
  readonly #run: Run
  readonly #tree: Tree
  readonly #views: readonly View[]
  #handlers: readonly Handler[]
  #seated: readonly Seat[] | undefined

  constructor(run: Run, tree: Tree, handlers: readonly Handler[], views: readonly View[]) {
    this.#run = run
    this.#tree = tree
    this.#handlers = handlers
    this.#views = views
    this.present = handlers.length > 0 || views.length > 0
  }

  /** Lets more handlers in; only before the first event. */
  admit(handlers: readonly Handler[]): void {
    this.#handlers = unique([...this.#handlers, ...handlers])
    this.present ||= handlers.length > 0
  }

  // Taken at the first event: a run that never starts takes no stream's writer, and has nobody flushed.
  get #seats(): readonly Seat[] {
    this.#seated ??= this.#handlers.map((handler) => new Seat(this.#tree.lift(handler), this.#fail, this.#stop))
    return this.#seated
  }

  // Beside tell() for speed: spreading the happening costs as much as ten handlers.
  token(token: string): Wait {
    const tree = this.#tree
    const seq = tree.seq++
    if (!this.present) return
    // One look at the clock per wire chunk: it costs more than a handler does.
    tree.passAt ||= Date.now()
    return this.#dispatch({ run: this.#run, at: tree.passAt, seq, type: 'token', token })
  }

  tell(happening: Happening): Wait {
    const seq = this.#tree.seq++
    if (this.present) return this.#dispatch({ run: this.#run, at: Date.now(), seq, ...happening })
  }

  /** An event that was made elsewhere: as it is, but for its number here and the clock, which is moved by so many ms. */
  relay(event: RunEvent, shift: number): Wait {
    const seq = this.#tree.seq++
    if (this.present) return this.#dispatch({ ...event, run: this.#run, at: event.at + shift, seq })
  }

  /** A chunk is for the reader of `events()` alone: handlers have heard its tokens from the run that made them. */
  chunk(chunk: unknown): void {
    const event: RunEvent = { run: this.#run, at: Date.now(), seq: this.#tree.seq++, type: 'chunk', chunk }
    this.#views.at(-1)?.push(event, undefined)
  }

  /** Makes each handler hear what comes next only after what `before` holds for it, and leaves there what it is busy with then. */
  tellAfter(before: Map<Handler, Promise<unknown>>, happening: Happening): void {
    for (const seat of this.#seats) {
      const first = before.get(seat.lifted.handler)
      if (first) seat.after(first)
    }
    void this.tell(happening)
    for (const seat of this.#seats) if (seat.busy) before.set(seat.lifted.handler, seat.busy)
  }

  #dispatch(event: RunEvent): Wait {
    const tree = this.#tree
    let waits: Promise<unknown>[] | undefined
    let raised: { readonly error: unknown } | undefined
    tree.telling++
    for (const seat of this.#seats) {
      try {
        const wait = seat.hear(event)
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
      tree.passAt = 0
    }
    if (this.#views.length > 0) for (const view of this.#views) view.push(event, wait)
    tree.told()
    if (raised) throw raised.error
    return wait
  }

  readonly #stop: Stop = (reason) => this.#tree.open.find(({ run }) => run === this.#run)?.stop(reason)

  readonly #fail = (error: unknown, event: RunEvent, handler: Handler): void => {
    if (!raises(handler) || this.over) return report(error, event, handler, this.#tree.onHandlerError)
    this.raised ??= { error }
    this.#tree.raised ??= new Set()
    this.#tree.raised.add(error)
    throw error
  }
}
