import { type AbortReason, terminatedReason } from '../errors.ts'
import { defaultFold, type Fold, lastChunkFold, type RetainedOutput } from './fold.ts'
import { compose, type Link, type MaybePromise, type Stage } from './link.ts'
import { type BatchMapper, type FlowOwner, fromStream, fromValue, type Source, type SourceResult } from './source.ts'

/**
 * A source and the stages over it, fused to one pass: what one read yielded is pushed through all of them by plain calls and comes
 * out as one batch. Read with `read()` or `next()`, one call at a time.
 *
 * - A batch that came out before a stage failed is delivered first, then the failure (P3).
 * - The source is read on only when every link is idle (P6).
 * - `cancel` closes the source and answers a waiting reader before it returns (P2).
 */
export class Flow<Chunk = unknown> {
  /** Makes the output of the chunks. */
  fold: () => Fold
  /** The accumulated output of the chunks, if a run accumulates it: the run around it reuses that. @internal */
  retained: RetainedOutput | undefined
  /** Called before each read of the source. If it returns a promise, the read waits for it. @internal */
  ready: (() => Promise<void> | undefined) | undefined
  /** Reset when a new pass begins. @internal */
  passClock: { passStartedAt: number } | undefined
  /** @internal */
  owner: FlowOwner | undefined
  /** The number of links that are waiting. @internal */
  busyLinks = 0
  readonly #source: Source
  readonly #stages: Stage[] = []
  #links: readonly Link[] | undefined
  #write: (value: unknown) => MaybePromise = () => {}
  #batch: unknown[] | undefined
  #state: 'none' | 'done' | 'failed' = 'none'
  #error: unknown
  /** The first stage that still ends well: the first of all, unless one terminated. */
  #flushFrom = 0
  #terminateReason: AbortReason | undefined
  #mapBatch: BatchMapper<unknown, unknown> = (batch) => batch
  /** Answers a reader who waits for more than a read of the source. */
  #resolveRead: ((answer: unknown) => void) | undefined

  constructor(source: Source, fold: () => Fold = defaultFold) {
    this.#source = source
    this.fold = fold
  }

  /** A flow of one value, which is its output. */
  static of = <T>(value: T): Flow<T> => new Flow<T>(fromValue(value), lastChunkFold)

  /** A flow over the chunks of a stream. */
  static from = <T>(stream: ReadableStream<T>, fold?: () => Fold): Flow<T> => new Flow<T>(fromStream(stream), fold)

  /** Adds a stage: the flow itself, now of other chunks. The old name for it must not be used again. */
  through<C>(stage: Stage<Chunk, C>, fold: () => Fold = this.fold): Flow<C> {
    this.#stages.push(stage)
    this.fold = fold
    if (stage.transform) this.retained = undefined
    return this as unknown as Flow<C>
  }

  /**
   * Gives what `take` makes of the next batch. The promise is the source's own, one `then` later: a further one per layer and wire
   * chunk would cost as much as parsing the event.
   *
   * @internal
   */
  read<T>(take: BatchMapper<Chunk, T>): Promise<T> {
    this.#mapBatch = take as BatchMapper<unknown, unknown>
    const answer = this.#links ? this.#advance() : this.#start()
    return (answer instanceof Promise ? answer : Promise.resolve(answer)) as Promise<T>
  }

  /** The next batch; undefined at the end. Rejects with the failure, once what came before it is delivered. */
  next(): Promise<readonly Chunk[] | undefined> {
    return this.read((batch) => batch)
  }

  /** Ends the flow by force. What came out already is still delivered. */
  cancel(reason: unknown): void {
    // The runs that a terminate() cut off are closed with its reason, and would cancel what goes on after them.
    if (this.#state !== 'none' || reason === this.#terminateReason) return
    this.error(reason)
    for (const link of this.#links ?? []) link.cancel(reason)
  }

  /** Fails the flow. @internal */
  readonly error = (error: unknown): void => {
    if (this.#state === 'none') {
      this.#state = 'failed'
      this.#error = error
      this.#source.cancel(error)
    }
    // Also where it has failed already: a pass that one handler cancelled and another raised in waits only since then.
    this.#answerReader()
  }

  /** A stage called `terminate()`: the stages before it are cancelled now, those after it are flushed at the next turn. @internal */
  terminate(cut: Link): void {
    const before = this.#links?.slice(0, this.#links.indexOf(cut)) ?? []
    this.#flushFrom = before.length + 1
    this.#terminateReason = terminatedReason()
    for (const each of [this.#source, ...before]) each.cancel(this.#terminateReason)
  }

  #start(): unknown {
    const { links, write } = compose(this.#stages, this.#collect, this)
    this.#links = links
    this.#write = write
    return this.#runPass(() => void links.map((link) => link.start()))
  }

  // Not pushed to an empty array: V8 makes room for seventeen then, of which one event per chunk uses one.
  readonly #collect = (value: unknown): void => {
    if (this.#batch) this.#batch.push(value)
    else this.#batch = [value]
  }

  /** What the reader gets now, or a promise of it. */
  #advance(): unknown {
    const batch = this.#batch
    if (batch) {
      this.#batch = undefined
      return this.#mapBatch(batch)
    }
    if (this.#state === 'failed') return this.#settleFailure()
    if (this.#state === 'done') {
      this.owner?.onEnd()
      return this.#mapBatch(undefined)
    }
    if (this.#flushFrom > 0) return this.#runPass(this.#flushStages)
    const wait = this.ready?.()
    return wait ? this.#advanceAfter(wait) : this.#read()
  }

  #read(): unknown {
    try {
      const read = this.#source.next()
      return read instanceof Promise ? read.then(this.#onRead, this.#onReadError) : this.#onRead(read)
    } catch (error) {
      return this.#onError(error)
    }
  }

  readonly #onRead = (read: SourceResult<unknown>): unknown => {
    if (this.#state !== 'none') return this.#advance()
    if (this.passClock) this.passClock.passStartedAt = 0
    return this.#runPass(read.done ? this.#flushStages : this.#write, read.value)
  }

  readonly #onReadError = (error: unknown): unknown => this.#onError(this.#source.explain?.(error) ?? error)

  #onError(error: unknown): unknown {
    this.error(error)
    return this.#advance()
  }

  /** Turns again after a piece of work, when all links are idle; a failure counts after what is waiting in them has come out. */
  #runPass(work: (value: unknown) => MaybePromise, value?: unknown): unknown {
    let wait: MaybePromise
    try {
      wait = work(value)
    } catch (error) {
      if (this.busyLinks === 0) return this.#onError(error)
      return this.#advanceAfter(this.#whenIdle().then(() => this.error(error)))
    }
    if (wait) return this.#advanceAfter(wait.then(() => this.#whenIdle()))
    return this.busyLinks > 0 ? this.#advanceAfter(this.#whenIdle()) : this.#advance()
  }

  /** Turns again after `wait`, or at once when the flow is cancelled meanwhile: a handler may never answer. */
  #advanceAfter(wait: PromiseLike<void>): Promise<unknown> {
    return new Promise((resolve) => {
      this.#resolveRead = resolve
      wait.then(() => this.#resolveRead === resolve && this.#answerReader(), this.error)
    })
  }

  /** Answers who waits, once: turning may fail the flow, which answers too. */
  #answerReader(): void {
    const answer = this.#resolveRead
    this.#resolveRead = undefined
    answer?.(this.#advance())
  }

  async #settleFailure(): Promise<unknown> {
    if (!this.owner) throw this.#error
    await this.owner.onError(this.#error)
    return this.#mapBatch(undefined)
  }

  async #whenIdle(): Promise<void> {
    while (this.busyLinks > 0) for (const link of this.#links ?? []) await link.pending
  }

  readonly #flushStages = async (): Promise<void> => {
    for (const link of this.#links?.slice(this.#flushFrom) ?? []) {
      const wait = link.flush()
      if (wait) await wait
      if (this.busyLinks > 0) await this.#whenIdle()
    }
    if (this.#state === 'none') this.#state = 'done'
  }
}
