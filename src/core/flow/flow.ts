import { AbortReason } from '../errors.ts'
import { type Fold, type Kept, last, list } from './fold.ts'
import { fuse, type Link, type LinkOwner, type Settled, type Stage } from './link.ts'
import { type FlowOwner, fromStream, fromValue, type Read, type Source, type Take } from './source.ts'

/**
 * A source and the stages over it, fused to one pass: what one read yielded is pushed through all of them by plain calls and comes
 * out as one batch. Read with `read()` or `next()`, one call at a time.
 *
 * - A batch that came out before a stage failed is delivered first, then the failure (P3).
 * - The source is read on only when every link is idle (P6).
 * - `cancel` closes the source and answers a waiting reader before it returns (P2).
 */
export class Flow<Chunk = unknown> implements LinkOwner {
  /** Makes the output of the chunks. */
  fold: () => Fold
  /** What folds the chunks already, where a run does, so that the run around it need not fold them again. */
  kept: Kept | undefined
  /** Asked before each read of the source: where it answers with a promise, the read waits. */
  gate: (() => Promise<void> | undefined) | undefined
  /** Told that a new pass begins. */
  clock: { passAt: number } | undefined
  owner: FlowOwner | undefined
  /** How many links are waiting. */
  busy = 0
  readonly #source: Source
  readonly #stages: Stage[] = []
  #links: readonly Link[] | undefined
  #write: (value: unknown) => Settled = () => {}
  #batch: unknown[] | undefined
  #end: 'none' | 'done' | 'failed' = 'none'
  #error: unknown
  /** The first stage that still ends well: the first of all, unless one terminated. */
  #finishFrom = 0
  #cutReason: AbortReason | undefined
  #take: Take<unknown, unknown> = (batch) => batch
  /** Answers a reader who waits for more than a read of the source. */
  #answer: ((answer: unknown) => void) | undefined

  constructor(source: Source, fold: () => Fold = list) {
    this.#source = source
    this.fold = fold
  }

  /** A flow of one value, which is its output. */
  static of = <T>(value: T): Flow<T> => new Flow<T>(fromValue(value), last)

  /** A flow over the chunks of a stream. */
  static from = <T>(stream: ReadableStream<T>, fold?: () => Fold): Flow<T> => new Flow<T>(fromStream(stream), fold)

  /** Adds a stage: the flow itself, now of other chunks. The old name for it must not be used again. */
  through<C>(stage: Stage<Chunk, C>, fold: () => Fold = this.fold): Flow<C> {
    this.#stages.push(stage)
    this.fold = fold
    if (stage.transform) this.kept = undefined
    return this as unknown as Flow<C>
  }

  /**
   * Gives what `take` makes of the next batch. The promise is the source's own, one `then` later: a further one per layer and wire
   * chunk would cost as much as parsing the event.
   */
  read<T>(take: Take<Chunk, T>): Promise<T> {
    this.#take = take as Take<unknown, unknown>
    const answer = this.#links ? this.#turn() : this.#begin()
    return (answer instanceof Promise ? answer : Promise.resolve(answer)) as Promise<T>
  }

  /** The next batch; undefined at the end. Rejects with the failure, once what came before it is delivered. */
  next(): Promise<readonly Chunk[] | undefined> {
    return this.read((batch) => batch)
  }

  /** Ends the flow by force. What came out already is still delivered. */
  cancel(reason: unknown): void {
    // The runs that a terminate() cut off are closed with its reason, and would cancel what goes on after them.
    if (this.#end !== 'none' || reason === this.#cutReason) return
    this.error(reason)
    for (const link of this.#links ?? []) link.cancel(reason)
  }

  /** Fails the flow. */
  readonly error = (error: unknown): void => {
    if (this.#end === 'none') {
      this.#end = 'failed'
      this.#error = error
      this.#source.cancel(error)
    }
    // Also where it has failed already: a pass that one handler cancelled and another raised in waits only since then.
    this.#reply()
  }

  /** A stage called `terminate()`: what stands before it is cancelled now, what stands after it ends well at the next turn. */
  terminate(cut: Link): void {
    const before = this.#links?.slice(0, this.#links.indexOf(cut)) ?? []
    this.#finishFrom = before.length + 1
    this.#cutReason = new AbortReason('A later step ended the stream (terminate).')
    for (const each of [this.#source, ...before]) each.cancel(this.#cutReason)
  }

  #begin(): unknown {
    const { links, write } = fuse(this.#stages, this.#add, this)
    this.#links = links
    this.#write = write
    return this.#pass(() => void links.map((link) => link.start()))
  }

  // Not pushed to an empty array: V8 makes room for seventeen then, of which one event per chunk uses one.
  readonly #add = (value: unknown): void => {
    if (this.#batch) this.#batch.push(value)
    else this.#batch = [value]
  }

  /** What the reader gets now, or a promise of it. */
  #turn(): unknown {
    const batch = this.#batch
    if (batch) {
      this.#batch = undefined
      return this.#take(batch)
    }
    if (this.#end === 'failed') return this.#failed()
    if (this.#end === 'done') {
      this.owner?.ended()
      return this.#take(undefined)
    }
    if (this.#finishFrom > 0) return this.#pass(this.#finish)
    const wait = this.gate?.()
    return wait ? this.#when(wait) : this.#read()
  }

  #read(): unknown {
    try {
      const read = this.#source.next()
      return read instanceof Promise ? read.then(this.#onRead, this.#onLost) : this.#onRead(read)
    } catch (error) {
      return this.#onError(error)
    }
  }

  readonly #onRead = (read: Read<unknown>): unknown => {
    if (this.#end !== 'none') return this.#turn()
    if (this.clock) this.clock.passAt = 0
    return this.#pass(read.done ? this.#finish : this.#write, read.value)
  }

  readonly #onLost = (error: unknown): unknown => this.#onError(this.#source.explain?.(error) ?? error)

  #onError(error: unknown): unknown {
    this.error(error)
    return this.#turn()
  }

  /** Turns again after a piece of work, when all links are idle; a failure counts after what is waiting in them has come out. */
  #pass(work: (value: unknown) => Settled, value?: unknown): unknown {
    let wait: Settled
    try {
      wait = work(value)
    } catch (error) {
      if (this.busy === 0) return this.#onError(error)
      return this.#when(this.#idle().then(() => this.error(error)))
    }
    if (wait) return this.#when(wait.then(() => this.#idle()))
    return this.busy > 0 ? this.#when(this.#idle()) : this.#turn()
  }

  /** Turns again after `wait`, or at once when the flow is cancelled meanwhile: a handler may never answer. */
  #when(wait: PromiseLike<void>): Promise<unknown> {
    return new Promise((resolve) => {
      this.#answer = resolve
      wait.then(() => this.#answer === resolve && this.#reply(), this.error)
    })
  }

  /** Answers who waits, once: turning may fail the flow, which answers too. */
  #reply(): void {
    const answer = this.#answer
    this.#answer = undefined
    answer?.(this.#turn())
  }

  async #failed(): Promise<unknown> {
    if (!this.owner) throw this.#error
    await this.owner.failed(this.#error)
    return this.#take(undefined)
  }

  async #idle(): Promise<void> {
    while (this.busy > 0) for (const link of this.#links ?? []) await link.pending
  }

  readonly #finish = async (): Promise<void> => {
    for (const link of this.#links?.slice(this.#finishFrom) ?? []) {
      const wait = link.flush()
      if (wait) await wait
      if (this.busy > 0) await this.#idle()
    }
    if (this.#end === 'none') this.#end = 'done'
  }
}
