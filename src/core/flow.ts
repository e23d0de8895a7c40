import { AbortReason } from './errors.ts'
import { type Fold, last, list } from './fold.ts'
import { Link, type Settled, type Stage } from './link.ts'
import { fromStream, fromValue, type Read, type Source } from './source.ts'

/**
 * A source and the stages over it, fused to one pass: what one read yielded is pushed through all of them by plain calls and comes
 * out as one batch. Read with `next()`, one call at a time.
 *
 * - A batch that came out before a stage failed is delivered first, then the failure (P3).
 * - The source is read on only when every link is idle (P6).
 * - `cancel` closes the source and settles a waiting `next()` before it returns (P2).
 */
export class Flow<Chunk = unknown> {
  /** Makes the output of the chunks. */
  fold: () => Fold
  /** Asked before each read of the source: where it answers with a promise, the read waits. */
  gate: (() => Promise<void> | undefined) | undefined
  readonly #source: Source
  readonly #stages: Stage[] = []
  #links: readonly Link[] | undefined
  #write: (value: unknown) => Settled = () => {}
  #batch: unknown[] = []
  #end: 'none' | 'done' | 'failed' = 'none'
  #error: unknown
  /** The first stage that still ends well: all of them, unless one terminated. */
  #finishFrom = 0
  #resolve: ((batch: readonly unknown[] | undefined) => void) | undefined
  #reject: ((error: unknown) => void) | undefined

  constructor(source: Source, fold: () => Fold = list) {
    this.#source = source
    this.fold = fold
  }

  /** A flow of one value, which is its output. */
  static of<T>(value: T): Flow<T> {
    return new Flow<T>(fromValue(value), last)
  }

  /** A flow over the chunks of a stream. */
  static from<T>(stream: ReadableStream<T>, fold?: () => Fold): Flow<T> {
    return new Flow<T>(fromStream(stream), fold)
  }

  /** Adds a stage: the flow itself, now of other chunks. The old name for it must not be used again. */
  through<C>(stage: Stage<Chunk, C>, fold: () => Fold = this.fold): Flow<C> {
    this.#stages.push(stage as Stage)
    this.fold = fold
    return this as unknown as Flow<C>
  }

  /** The next batch, never empty; undefined at the end. Rejects with the failure, once what came before it is delivered. */
  next(): Promise<readonly Chunk[] | undefined> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve as (batch: readonly unknown[] | undefined) => void
      this.#reject = reject
      if (this.#links) this.#turn()
      else this.#begin()
    })
  }

  /** Ends the flow by force. What came out already is still delivered. */
  cancel(reason: unknown): void {
    if (this.#end !== 'none') return
    this.#fail(reason)
    for (const link of this.#links ?? []) this.#cancelLink(link, reason)
  }

  #begin(): void {
    let next: (value: unknown) => Settled = (value) => void this.#batch.push(value)
    const owner = { terminate: (link: Link) => this.#terminate(link), error: (reason: unknown) => this.#fail(reason) }
    this.#links = this.#stages
      .toReversed()
      .map((stage) => {
        const link = new Link(stage, next, owner)
        next = link.write
        return link
      })
      .toReversed()
    this.#write = next
    this.#pass(() => {
      for (const link of this.#links ?? []) link.start()
    })
  }

  // Callbacks instead of async functions: per wire chunk this is one promise for the read, one for its callback, one for the reader.
  readonly #turn = (): void => {
    if (this.#batch.length > 0) this.#deliver()
    else if (this.#end === 'failed') this.#settle(() => this.#reject?.(this.#error))
    else if (this.#end === 'done') this.#settle(() => this.#resolve?.(undefined))
    else if (this.#finishFrom > 0) this.#pass(() => this.#finish())
    else {
      const wait = this.gate?.()
      if (wait) wait.then(this.#read, this.#fail)
      else this.#read()
    }
  }

  readonly #read = (): void => {
    if (this.#end !== 'none') return
    try {
      const read = this.#source.next()
      if ('then' in read) read.then(this.#onRead, this.#fail)
      else this.#onRead(read)
    } catch (error) {
      this.#fail(error)
    }
  }

  readonly #onRead = (read: Read<unknown>): void => {
    if (this.#end !== 'none') return
    this.#pass(read.done ? () => this.#finish() : () => this.#write(read.value))
  }

  /** Does a piece of work and turns again when all links are idle; a failure counts after what is waiting in them has come out. */
  #pass(work: () => Settled): void {
    let wait: Settled
    try {
      wait = work()
    } catch (error) {
      const idle = this.#idle()
      if (idle) idle.then(() => this.#fail(error), this.#fail)
      else this.#fail(error)
      return
    }
    const idle = wait ? wait.then(() => this.#idle()) : this.#idle()
    if (idle) idle.then(this.#turn, this.#fail)
    else this.#turn()
  }

  #idle(): Promise<void> | undefined {
    for (const link of this.#links ?? []) if (link.pending) return link.pending.then(() => this.#idle())
  }

  async #finish(): Promise<void> {
    for (const link of this.#links?.slice(this.#finishFrom) ?? []) {
      await link.flush()
      await this.#idle()
    }
    if (this.#end === 'none') this.#end = 'done'
  }

  /** A stage called `terminate()`: what stands before it is cancelled now, what stands after it ends well at the next turn. */
  #terminate(cut: Link): void {
    const before = this.#links?.slice(0, this.#links.indexOf(cut)) ?? []
    this.#finishFrom = before.length + 1
    const reason = new AbortReason('A later step ended the stream (terminate).')
    this.#source.cancel(reason)
    for (const link of before) this.#cancelLink(link, reason)
  }

  #cancelLink(link: Link, reason: unknown): void {
    try {
      const wait = link.cancel(reason)
      if (wait) wait.then(undefined, () => {})
    } catch {
      // A stage that fails while it is being cancelled: the reason is already on its way to the reader.
    }
  }

  readonly #fail = (error: unknown): void => {
    if (this.#end !== 'none') return
    this.#end = 'failed'
    this.#error = error
    this.#source.cancel(error)
    if (this.#resolve) this.#turn()
  }

  #deliver(): void {
    const batch = this.#batch
    if (!this.#resolve) return
    this.#batch = []
    this.#settle(() => this.#resolve?.(batch))
  }

  #settle(answer: () => void): void {
    answer()
    this.#resolve = this.#reject = undefined
  }
}
