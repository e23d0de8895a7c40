import { ChaintapError } from '../errors.ts'

export type MaybePromise = void | PromiseLike<void>

/** A standard transformer, `cancel` included: engines call that in Node and workerd only, a flow calls it everywhere. */
export interface Stage<I = unknown, O = unknown> {
  start?(controller: TransformStreamDefaultController<O>): MaybePromise
  transform?(chunk: I, controller: TransformStreamDefaultController<O>): MaybePromise
  flush?(controller: TransformStreamDefaultController<O>): MaybePromise
  cancel?(reason: unknown): MaybePromise
}

/** What may wait in one link: far more than a wire chunk holds, far less than hurts. */
const MAX_QUEUED_CHUNKS = 65_536

/** What a link tells the flow that it is part of. */
export interface LinkOwner {
  busyLinks: number
  terminate(link: Link): void
  error(reason: unknown): void
}

/**
 * One stage of a flow, and the controller it is given. What it enqueues is a plain call into the next link; only when that call
 * answers with a promise do later values wait here, in order.
 */
export class Link implements TransformStreamDefaultController<unknown> {
  /** Settles when the queue is empty again. */
  pending: Promise<void> | undefined
  readonly #stage: Stage
  readonly #next: (value: unknown) => MaybePromise
  readonly #owner: LinkOwner
  readonly #queue: unknown[] = []
  /** Takes nothing more. */
  #isClosed = false
  /** Gives nothing more either. */
  #isCancelled = false

  constructor(stage: Stage, next: (value: unknown) => MaybePromise, owner: LinkOwner) {
    this.#stage = stage
    this.#next = next
    this.#owner = owner
  }

  start(): void {
    const wait = this.#stage.start?.(this)
    if (wait) this.#wait(wait)
  }

  readonly write = (value: unknown): MaybePromise => this.#stage.transform?.(value, this)

  enqueue(value: unknown): void {
    if (this.#isClosed) return
    if (this.pending) {
      if (this.#queue.push(value) > MAX_QUEUED_CHUNKS) throw queueOverflowError()
      return
    }
    const wait = this.#next(value)
    if (wait) this.#wait(wait)
  }

  flush(): MaybePromise {
    return this.#stage.flush?.(this)
  }

  cancel(reason: unknown): void {
    this.#isClosed = true
    this.#isCancelled = true
    try {
      this.#stage.cancel?.(reason)?.then(undefined, () => {})
    } catch {
      // A stage that fails while it is being cancelled: the reason is already on its way to the reader.
    }
  }

  error(reason: unknown): void {
    this.#isClosed = true
    this.#owner.error(reason)
  }

  terminate(): void {
    this.#isClosed = true
    this.#owner.terminate(this)
  }

  get desiredSize(): number {
    return this.#isClosed || this.pending ? 0 : 1
  }

  #wait(wait: PromiseLike<void>): void {
    this.#owner.busyLinks++
    this.pending = this.#drain(wait)
    // The flow looks at it when the pass is over; until then a rejection is nobody's.
    this.pending.catch(() => {})
  }

  async #drain(wait: PromiseLike<void>): Promise<void> {
    try {
      await wait
      for (let i = 0; i < this.#queue.length && !this.#isCancelled; i++) await this.#next(this.#queue[i])
    } catch (error) {
      this.#isClosed = true
      throw error
    } finally {
      this.#queue.length = 0
      this.pending = undefined
      this.#owner.busyLinks--
    }
  }
}

/** Stages linked to one pass: `write` takes what the source gives, `end` gets what comes out. */
export function compose(
  stages: readonly Stage[],
  end: (value: unknown) => void,
  owner: LinkOwner,
): { links: readonly Link[]; write: (value: unknown) => MaybePromise } {
  const links: Link[] = []
  let write: (value: unknown) => MaybePromise = end
  for (const stage of stages.toReversed()) {
    const link = new Link(stage, write, owner)
    links.unshift(link)
    // A stage that only waits for the end costs the chunks nothing.
    if (stage.transform) write = link.write
  }
  return { links, write }
}

const queueOverflowError = (): ChaintapError =>
  new ChaintapError(
    'queue_overflow',
    `A step enqueued more than ${MAX_QUEUED_CHUNKS} chunks while the next one was busy. Return a promise from transform(), or enqueue fewer chunks per call.`,
  )
