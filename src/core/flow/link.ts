import { AbortReason, ChaintapError } from '../errors.ts'

/** What a {@link Stage} method returns: nothing, or a promise that the flow awaits. */
export type MaybePromise = void | PromiseLike<void>

/**
 * A transformer as a TransformStream takes it. As a stream's transformer, only Node and workerd call `cancel`; a flow calls it in every
 * engine.
 *
 * @see https://streams.spec.whatwg.org/#transformer-api
 * @example
 * const upperCase: Stage<string, string> = {
 *   transform: (text, controller) => controller.enqueue(text.toUpperCase()),
 * }
 */
export interface Stage<I = unknown, O = unknown> {
  /** Called before the first chunk. */
  start?(controller: TransformStreamDefaultController<O>): MaybePromise
  /** Called for each chunk. Without it, chunks pass unchanged. */
  transform?(chunk: I, controller: TransformStreamDefaultController<O>): MaybePromise
  /** Called after the last chunk, unless the flow failed or was cancelled. */
  flush?(controller: TransformStreamDefaultController<O>): MaybePromise
  /** Called when the flow is cancelled. Errors that it throws are ignored. */
  cancel?(reason: unknown): MaybePromise
}

/** The queue limit of one link: far more than one wire chunk holds, far less than strains memory. */
const MAX_QUEUED_CHUNKS = 65_536

/** The flow of a link, as the link uses it. */
export interface LinkOwner {
  busyLinks: number
  terminate(link: Link): void
  error(reason: unknown): void
}

/**
 * One stage of a flow, and the controller passed to it. `enqueue` calls the next link directly; only if that call returns a promise
 * are later values queued here, in order.
 */
export class Link implements TransformStreamDefaultController<unknown> {
  /** Settles when the queue is empty. */
  pending: Promise<void> | undefined
  readonly #stage: Stage
  readonly #next: (value: unknown) => MaybePromise
  readonly #owner: LinkOwner
  readonly #queue: unknown[] = []
  /** Ignores further values. */
  #isClosed = false
  /** Does not emit its queued values either. */
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
      // The reader gets the reason of the cancellation, not a failure to cancel.
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
    // The flow awaits it after the pass; until then a rejection would count as unhandled.
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

/** Links stages into one pass: `write` accepts the values of the source, `end` receives the results. */
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
    // Chunks bypass a stage without `transform`.
    if (stage.transform) write = link.write
  }
  return { links, write }
}

const queueOverflowError = (): ChaintapError =>
  new ChaintapError(
    'queue_overflow',
    `A step enqueued more than ${MAX_QUEUED_CHUNKS} chunks while the next step was busy. Return a promise from transform(), or enqueue fewer chunks per call.`,
  )

/** Creates the abort reason of the runs before a stage that called `terminate()`. */
export const terminatedReason = (): AbortReason => new AbortReason('A later step ended the stream (terminate).')
