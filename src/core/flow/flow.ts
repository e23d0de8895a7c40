import type { AbortReason } from '../errors.ts'
import { defaultFold, type Fold, type RetainedOutput, valueFold } from './fold.ts'
import { compose, type Link, type MaybePromise, type Stage, terminatedReason } from './link.ts'
import { type BatchMapper, type FlowOwner, fromStream, fromValue, type Source, type SourceResult } from './source.ts'

/**
 * A source and its stages, composed into one pass: plain calls push each value of the source through all stages, and the results form
 * one batch. Read with `read()` or `next()`, one call at a time.
 *
 * - Chunks that came out before a stage failed are delivered before the failure (P3).
 * - The source is read again only when every link is idle (P6).
 * - `cancel` closes the source and settles a waiting read before it returns (P2).
 *
 * @example
 * const lengths = Flow.of('hello').through<number>({ transform: (text, controller) => controller.enqueue(text.length) })
 */
export class Flow<Chunk = unknown> {
  /** Creates the fold that makes the output from the chunks. */
  fold: () => Fold
  /** The output that a child run accumulates from the same chunks, if any; the parent run reuses it. @internal */
  retained: RetainedOutput | undefined
  /** Called before each read of the source. If it returns a promise, the read waits for it. @internal */
  ready: (() => Promise<void> | undefined) | undefined
  /** Reset to 0 when a pass starts. @internal */
  passClock: { passStartedAt: number } | undefined
  /** Notified when reading ends. Without an owner, `next()` rejects with the failure. @internal */
  owner: FlowOwner | undefined
  /** The number of links that wait for a promise. @internal */
  busyLinks = 0
  readonly #source: Source
  readonly #stages: Stage[] = []
  #links: readonly Link[] | undefined
  #write: (value: unknown) => MaybePromise = () => {}
  #batch: unknown[] | undefined
  #state: 'none' | 'done' | 'failed' = 'none'
  #error: unknown
  /** Index of the first link to flush: 0, or the one after the link that called `terminate()`. */
  #flushFrom = 0
  #terminateReason: AbortReason | undefined
  #mapBatch: BatchMapper<unknown, unknown> = (batch) => batch
  /** Resolves the pending read when it waits for anything but the source. */
  #resolveRead: ((result: unknown) => void) | undefined

  constructor(source: Source, fold: () => Fold = defaultFold) {
    this.#source = source
    this.fold = fold
  }

  /** Creates a flow of one value, which is also its output. */
  static of = <T>(value: T): Flow<T> => new Flow<T>(fromValue(value), valueFold)

  /** Creates a flow over the chunks of a stream. Throws `stream_taken` if the stream is locked. */
  static from = <T>(stream: ReadableStream<T>, fold?: () => Fold): Flow<T> => new Flow<T>(fromStream(stream), fold)

  /** Adds a stage. Returns this flow, retyped: do not use the previous reference again. */
  through<C>(stage: Stage<Chunk, C>, fold: () => Fold = this.fold): Flow<C> {
    this.#stages.push(stage)
    this.fold = fold
    if (stage.transform) this.retained = undefined
    return this as unknown as Flow<C>
  }

  /** Resolves with `take` of the next batch, one `then` after the source: one more would cost as much as parsing an event. @internal */
  read<T>(take: BatchMapper<Chunk, T>): Promise<T> {
    this.#mapBatch = take as BatchMapper<unknown, unknown>
    const result = this.#links ? this.#advance() : this.#start()
    return (result instanceof Promise ? result : Promise.resolve(result)) as Promise<T>
  }

  /** Resolves with the next batch, or undefined at the end. Rejects with the failure after all earlier batches were delivered. */
  next(): Promise<readonly Chunk[] | undefined> {
    return this.read((batch) => batch)
  }

  /** Cancels the flow. Chunks that it has already produced are still delivered, then `reason` as the failure. */
  cancel(reason: unknown): void {
    // Runs before a `terminate()` close with its reason and would cancel the stages after it.
    if (this.#state !== 'none' || reason === this.#terminateReason) return
    this.error(reason)
    for (const link of this.#links ?? []) link.cancel(reason)
  }

  /** Fails the flow with `error` and cancels its source. @internal */
  readonly error = (error: unknown): void => {
    if (this.#state === 'none') {
      this.#state = 'failed'
      this.#error = error
      this.#source.cancel(error)
    }
    // Also after an earlier failure: when one handler cancels a pass and another raises in it, the read starts to wait only then.
    this.#answerReader()
  }

  /** A stage called `terminate()`: cancels everything before it now; the stages after it are flushed at the next advance. @internal */
  terminate(terminated: Link): void {
    const before = this.#links?.slice(0, this.#links.indexOf(terminated)) ?? []
    this.#flushFrom = before.length + 1
    this.#terminateReason = terminatedReason()
    for (const upstream of [this.#source, ...before]) upstream.cancel(this.#terminateReason)
  }

  #start(): unknown {
    const { links, write } = compose(this.#stages, this.#collect, this)
    this.#links = links
    this.#write = write
    return this.#runPass(() => void links.map((link) => link.start()))
  }

  // Not `[].push(value)`: V8 then allocates room for 17 items, and a wire chunk with one event uses one.
  readonly #collect = (value: unknown): void => {
    if (this.#batch) this.#batch.push(value)
    else this.#batch = [value]
  }

  /** The result of the pending read, or a promise of it. */
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

  /** Runs `work`, then advances when all links are idle. A failure is applied after the queued chunks of the links have come out. */
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

  /** Advances after `wait`, or immediately if the flow is cancelled meanwhile: a handler's promise may never settle. */
  #advanceAfter(wait: PromiseLike<void>): Promise<unknown> {
    return new Promise((resolve) => {
      this.#resolveRead = resolve
      wait.then(() => this.#resolveRead === resolve && this.#answerReader(), this.error)
    })
  }

  /** Resolves the pending read, once: advancing may fail the flow, which resolves it too. */
  #answerReader(): void {
    const resolve = this.#resolveRead
    this.#resolveRead = undefined
    resolve?.(this.#advance())
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
