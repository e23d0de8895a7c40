import { ChaintapError } from '../../core/errors.ts'
import { pendingCursorPrefix, type Segment, storedCursorPrefix } from '../segment/segment.ts'
import type { PruneLimits } from '../store.ts'
import type { Backend } from './backend.ts'
import { BoundedSegmentQueue, createKeyDeferred, createLossSegment, type PendingSegment, totalSegmentBytes } from './bounded-queue.ts'
import { createRetentionEnforcer, prune } from './retention.ts'

/** Options of a {@link WriteQueue}. */
export interface WriteQueueOptions {
  /** The log's name in errors and warnings. */
  readonly name: string
  /**
   * Maximum size in bytes of the records in memory that are not stored yet; beyond it the oldest are dropped.
   *
   * @defaultValue 16,777,216 (16 MB)
   */
  readonly room?: number
  /** Limits that are enforced from time to time if the backend is durable; a backend in memory enforces its own. */
  readonly retain?: PruneLimits
}

/** What a {@link WriteQueue} emits. */
export interface WriteQueueEvents {
  /** There are new records to read. */
  changed(): void
  /** Segments were removed. */
  removed(): void
}

/** How long a backend that has failed is left alone, in ms. */
const RETRY_PAUSE_MS = 5_000

/** So many bytes do not wait for the transaction before: who writes much at once would encode and save in turn, not side by side. */
const PARALLEL_SEND_BYTES = 1_048_576

/** Brings segments to a backend: in order, few transactions at a time, and again where that failed. */
export class WriteQueue {
  readonly backend: Backend
  readonly #options: WriteQueueOptions
  readonly #events: WriteQueueEvents
  readonly #queue: BoundedSegmentQueue
  readonly #enforceRetention: (bytes: number) => void
  /** The key of the last segment from here that is known to be kept. */
  #lastKey = 0
  #sendingCount = 0
  /** Why the last try failed, and until when there is no other, by the clock that nobody sets. */
  #failure: { readonly error: unknown; readonly until: number } | undefined
  #isWarned = false

  constructor(backend: Backend, options: WriteQueueOptions, events: WriteQueueEvents) {
    this.backend = backend
    this.#options = options
    this.#events = events
    this.#queue = new BoundedSegmentQueue(options.room ?? 16_777_216)
    this.#enforceRetention = createRetentionEnforcer(backend, options.retain, () => this.#notifyRemoved())
    backend.watch?.((isRemoval) => {
      if (isRemoval) events.removed()
      events.changed()
    })
  }

  get pending(): readonly PendingSegment[] {
    return this.#queue.segments
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

  enqueue(segment: Segment): void {
    this.#queue.push(segment)
    this.send()
  }

  /** Notes that so many records, after those that have just been taken, did not get here. */
  reportLoss(records: number): void {
    this.enqueue(createLossSegment(this.pending.at(-1)?.head.name ?? '', records))
  }

  /** Sends what waits, unless something is under way; `isLast`: in any case, for there may be no later. */
  send(isLast = false): void {
    if (isLast && this.pending.length > 0) this.backend.persistOnUnload?.(this.pending)
    const batch = this.pending.filter(({ isSent }) => !isSent)
    const mayWait = this.#isPaused || (this.#sendingCount > 0 && totalSegmentBytes(batch) < PARALLEL_SEND_BYTES)
    if (batch.length === 0 || (!isLast && mayWait)) return
    for (const waiting of batch) waiting.isSent = true
    this.#sendingCount++
    void this.#add(batch).finally(() => {
      this.#sendingCount--
      this.send()
    })
  }

  async #add(batch: readonly PendingSegment[]): Promise<void> {
    try {
      const keys = await this.backend.add(batch)
      this.#queue.remove(batch)
      this.#failure = undefined
      this.#lastKey = Math.max(this.#lastKey, ...keys)
      for (const [i, { stored }] of batch.entries()) stored.resolve(keys[i] ?? this.#lastKey)
      this.#enforceRetention(totalSegmentBytes(batch))
    } catch (error) {
      this.#handleFailure(batch, error)
    }
    this.#events.changed()
  }

  #handleFailure(batch: readonly PendingSegment[], error: unknown): void {
    this.#failure = { error, until: performance.now() + RETRY_PAUSE_MS }
    for (const waiting of batch) {
      waiting.isSent = false
      waiting.stored.reject(error)
      waiting.stored = createKeyDeferred()
    }
    if (this.#isWarned) return
    this.#isWarned = true
    // biome-ignore lint/suspicious/noConsole: once, and never in the log itself
    console.warn(this.#toWriteError(error).message)
  }

  /** Tries again what has failed. */
  retry(): void {
    if (this.#failure) this.#failure = { ...this.#failure, until: 0 }
    this.send()
  }

  /** Resolves when everything in it is kept. */
  async flush(): Promise<void> {
    const waiting = this.pending.map(({ stored }) => stored.promise)
    if (waiting.length === 0) return
    if (this.#failure && this.#isPaused) {
      this.#events.changed()
      throw this.#toWriteError(this.#failure.error)
    }
    this.send()
    try {
      await Promise.all(waiting)
    } catch (error) {
      throw this.#toWriteError(error)
    }
  }

  #toWriteError(cause: unknown): ChaintapError {
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
    const message = `The log "${this.#options.name}" could not be saved (${why}). What is not saved is in memory, as far as there is room, and is tried again.`
    return new ChaintapError('log_not_written', message, { cause })
  }

  /** The cursor behind which everything comes that is taken from now on; or, that was taken after the draft of that name, which has just been. */
  async endCursor(name?: string): Promise<string> {
    const last = name ? this.pending.find(({ head }) => head.name === name) : this.pending.at(-1)
    // While it is left alone nobody knows when that will be kept.
    const isComing = last !== undefined && !this.#isPaused
    // Asked for in this turn: what is taken in the next one may be kept before the answer.
    const asked = isComing ? last.stored.promise : this.lastStoredKey()
    const key = await asked.catch(() => undefined)
    if (isComing && key !== undefined) return `${storedCursorPrefix(key)}-~`
    const kept = key ?? (await this.lastStoredKey().catch(() => this.#lastKey))
    return `${last ? pendingCursorPrefix(kept, last.number) : storedCursorPrefix(kept)}-~`
  }

  /** The key of the newest segment that is kept, whoever wrote it; 0 where there is none. */
  async lastStoredKey(): Promise<number> {
    const [last] = await this.backend.heads({ from: 0, to: Infinity, order: 'desc', limit: 1 })
    return last?.key ?? 0
  }

  async prune(limits: PruneLimits): Promise<void> {
    if (await prune(this.backend, limits)) this.#notifyRemoved()
  }

  async clear(): Promise<void> {
    const gone = this.pending.filter(({ isSent }) => !isSent)
    this.#queue.remove(gone)
    for (const { stored } of gone) stored.resolve(this.#lastKey)
    await this.backend.clear()
    this.#failure = undefined
    this.#notifyRemoved()
  }

  #notifyRemoved(): void {
    this.#events.removed()
    this.#events.changed()
  }

  close(): void {
    this.backend.close()
  }
}
