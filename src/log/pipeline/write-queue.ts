import { ChaintapError } from '../../core/errors.ts'
import type { Draft } from '../segment/buffer.ts'
import { Sealer } from '../segment/encoder.ts'
import { positionOf, type Segment, waitingAt } from '../segment/segment.ts'
import type { PruneLimits } from '../store.ts'
import type { Backend } from './backend.ts'
import { noteOf, pending, Queue, sizeOf, type Waiting } from './bounded-queue.ts'
import { keeper, prune } from './retention.ts'
import type { OutboxOptions, Sender } from './write-queue-options.ts'

export type { OutboxOptions, Sender }

/** How long a backend that has failed is left alone, in ms. */
const PAUSE = 5_000

/** So many bytes do not wait for the transaction before: who writes much at once would encode and save in turn, not side by side. */
const MUCH = 1_048_576

/** Brings segments to a backend: in order, few transactions at a time, and again where that failed. */
export class Outbox {
  readonly backend: Backend
  readonly #options: OutboxOptions
  readonly #sender: Sender
  readonly #queue: Queue
  readonly #hold: (bytes: number) => void
  readonly #closed: () => void
  readonly #sealer = new Sealer()
  /** The key of the last segment from here that is known to be kept. */
  #lastKey = 0
  #sending = 0
  /** Why the last try failed, and until when there is no other, by the clock that nobody sets. */
  #failure: { readonly error: unknown; readonly until: number } | undefined
  #isWarned = false

  /** `closed` is told when it is closed. */
  constructor(backend: Backend, options: OutboxOptions, sender: Sender, closed: () => void = () => {}) {
    this.#closed = closed
    this.backend = backend
    this.#options = options
    this.#sender = sender
    this.#queue = new Queue(options.room ?? 16_777_216)
    this.#hold = keeper(backend, options.retain, () => this.#removed())
    backend.watch?.((isRemoval) => {
      if (isRemoval) sender.forget()
      sender.changed()
    })
  }

  get waiting(): readonly Waiting[] {
    return this.#queue.all
  }

  /** Whether what was written last outlives the page. */
  get isDurable(): boolean {
    return this.backend.isDurable && this.#failure === undefined
  }

  /** Whether whoever has much to say should wait. */
  get isBusy(): boolean {
    return this.#queue.isHalfFull
  }

  get #isPaused(): boolean {
    return this.#failure !== undefined && performance.now() < this.#failure.until
  }

  take(draft: Draft): void {
    this.#push(this.#sealer.seal(draft))
  }

  #push(segment: Segment): void {
    this.#queue.push(segment)
    this.send()
  }

  /** Notes that so many records, after those that have just been taken, did not get here. */
  lose(records: number): void {
    this.#push(noteOf(this.waiting.at(-1)?.head.name ?? '', records))
  }

  /** Sends what waits, unless something is under way; `isLast`: in any case, for there may be no later. */
  send(isLast = false): void {
    if (isLast && this.waiting.length > 0) this.backend.leave?.(this.waiting)
    const batch = this.waiting.filter(({ isSent }) => !isSent)
    const mayWait = this.#isPaused || (this.#sending > 0 && sizeOf(batch) < MUCH)
    if (batch.length === 0 || (!isLast && mayWait)) return
    for (const waiting of batch) waiting.isSent = true
    this.#sending++
    void this.#add(batch).finally(() => {
      this.#sending--
      this.send()
    })
  }

  async #add(batch: readonly Waiting[]): Promise<void> {
    try {
      const keys = await this.backend.add(batch)
      this.#queue.remove(batch)
      this.#failure = undefined
      this.#lastKey = Math.max(this.#lastKey, ...keys)
      for (const [i, { kept }] of batch.entries()) kept.resolve(keys[i] ?? this.#lastKey)
      this.#hold(sizeOf(batch))
    } catch (error) {
      this.#failed(batch, error)
    }
    this.#sender.changed()
  }

  #failed(batch: readonly Waiting[], error: unknown): void {
    this.#failure = { error, until: performance.now() + PAUSE }
    for (const waiting of batch) {
      waiting.isSent = false
      waiting.kept.reject(error)
      waiting.kept = pending()
    }
    if (this.#isWarned) return
    this.#isWarned = true
    // biome-ignore lint/suspicious/noConsole: once, and never in the log itself
    console.warn(this.#refusal(error).message)
  }

  /** Tries again what has failed. */
  retry(): void {
    if (this.#failure) this.#failure = { ...this.#failure, until: 0 }
    this.send()
  }

  /** Resolves when everything in it is kept. */
  async settle(): Promise<void> {
    const waiting = this.waiting.map(({ kept }) => kept.promise)
    if (waiting.length === 0) return
    if (this.#failure && this.#isPaused) {
      this.#sender.changed()
      throw this.#refusal(this.#failure.error)
    }
    this.send()
    try {
      await Promise.all(waiting)
    } catch (error) {
      throw this.#refusal(error)
    }
  }

  #refusal(cause: unknown): ChaintapError {
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
    const message = `The log "${this.#options.name}" could not be saved (${why}). What is not saved is in memory, as far as there is room, and is tried again.`
    return new ChaintapError('log_not_written', message, { cause })
  }

  /** The cursor behind which everything comes that is taken from now on; or, that was taken after the draft of that name, which has just been. */
  async end(name?: string): Promise<string> {
    const last = name ? this.waiting.find(({ head }) => head.name === name) : this.waiting.at(-1)
    // While it is left alone nobody knows when that will be kept.
    const isComing = last !== undefined && !this.#isPaused
    // Asked for in this turn: what is taken in the next one may be kept before the answer.
    const asked = isComing ? last.kept.promise : this.lastKept()
    const key = await asked.catch(() => undefined)
    if (isComing && key !== undefined) return `${positionOf(key)}-~`
    const kept = key ?? (await this.lastKept().catch(() => this.#lastKey))
    return `${last ? waitingAt(kept, last.number) : positionOf(kept)}-~`
  }

  /** The key of the newest segment that is kept, whoever wrote it; 0 where there is none. */
  async lastKept(): Promise<number> {
    const [last] = await this.backend.heads({ from: 0, to: Infinity, order: 'desc', limit: 1 })
    return last?.key ?? 0
  }

  async prune(limits: PruneLimits): Promise<void> {
    if (await prune(this.backend, limits)) this.#removed()
  }

  async clear(): Promise<void> {
    const gone = this.waiting.filter(({ isSent }) => !isSent)
    this.#queue.remove(gone)
    for (const { kept } of gone) kept.resolve(this.#lastKey)
    await this.backend.clear()
    this.#failure = undefined
    this.#removed()
  }

  #removed(): void {
    this.#sender.forget()
    this.#sender.changed()
  }

  close(): void {
    this.#closed()
    this.backend.close()
  }
}
