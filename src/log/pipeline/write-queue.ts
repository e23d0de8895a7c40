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

/** Time between attempts after a backend has failed, in ms. */
const RETRY_PAUSE_MS = 5_000

/** Batches of this size, in bytes, do not wait for the previous transaction, so that encoding and storing overlap. */
const PARALLEL_SEND_BYTES = 1_048_576

/** Sends segments to a backend: in order, in few transactions, and again after a failure. */
export class WriteQueue {
  readonly backend: Backend
  readonly #options: WriteQueueOptions
  readonly #events: WriteQueueEvents
  readonly #queue: BoundedSegmentQueue
  readonly #enforceRetention: (bytes: number) => void
  /** Key of the newest segment that this queue has stored. */
  #lastKey = 0
  #sendingCount = 0
  /** The last write error, and the `performance.now()` time before which no retry is made. */
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

  /** Whether the records written last outlive the page. */
  get isDurable(): boolean {
    return this.backend.isDurable && this.#failure === undefined
  }

  /** Whether callers with many records should wait. */
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

  /** Reports that `records` records after those enqueued last were dropped. */
  reportLoss(records: number): void {
    this.enqueue(createLossSegment(this.pending.at(-1)?.head.name ?? '', records))
  }

  /** Sends the pending segments, unless a transaction is running; `isLast`: in any case, because the page may be discarded. */
  send(isLast = false): void {
    if (isLast && this.pending.length > 0) this.backend.persistOnUnload?.(this.pending)
    const batch = this.pending.filter(({ isSent }) => !isSent)
    const mayWait = this.#isPaused || (this.#sendingCount > 0 && totalSegmentBytes(batch) < PARALLEL_SEND_BYTES)
    if (batch.length === 0 || (!isLast && mayWait)) return
    for (const pending of batch) pending.isSent = true
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
    for (const pending of batch) {
      pending.isSent = false
      pending.stored.reject(error)
      pending.stored = createKeyDeferred()
    }
    if (this.#isWarned) return
    this.#isWarned = true
    // biome-ignore lint/suspicious/noConsole: once, and not in the log, which is what failed
    console.warn(this.#toWriteError(error).message)
  }

  /** Retries a failed write now. */
  retry(): void {
    if (this.#failure) this.#failure = { ...this.#failure, until: 0 }
    this.send()
  }

  /** Resolves when every pending segment is stored. */
  async flush(): Promise<void> {
    const stores = this.pending.map(({ stored }) => stored.promise)
    if (stores.length === 0) return
    if (this.#failure && this.#isPaused) {
      this.#events.changed()
      throw this.#toWriteError(this.#failure.error)
    }
    this.send()
    try {
      await Promise.all(stores)
    } catch (error) {
      throw this.#toWriteError(error)
    }
  }

  #toWriteError(cause: unknown): ChaintapError {
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
    const message = `The log "${this.#options.name}" could not be saved (${why}). Unsaved records are kept in memory, up to \`room\`, and retried.`
    return new ChaintapError('log_not_written', message, { cause })
  }

  /** The cursor after which every record comes that is enqueued from now on or, with `name`, after the pending segment of that name. */
  async endCursor(name?: string): Promise<string> {
    const last = name ? this.pending.find(({ head }) => head.name === name) : this.pending.at(-1)
    // During a retry pause it is unknown when the segment will be stored.
    const isSaving = last !== undefined && !this.#isPaused
    // Requested in this turn: a segment enqueued in the next one may be stored before the result.
    const request = isSaving ? last.stored.promise : this.lastStoredKey()
    const key = await request.catch(() => undefined)
    if (isSaving && key !== undefined) return `${storedCursorPrefix(key)}-~`
    const lastKey = key ?? (await this.lastStoredKey().catch(() => this.#lastKey))
    return `${last ? pendingCursorPrefix(lastKey, last.number) : storedCursorPrefix(lastKey)}-~`
  }

  /** Key of the newest stored segment, by any tab; 0 if there is none. */
  async lastStoredKey(): Promise<number> {
    const [last] = await this.backend.heads({ from: 0, to: Infinity, order: 'desc', limit: 1 })
    return last?.key ?? 0
  }

  async prune(limits: PruneLimits): Promise<void> {
    if (await prune(this.backend, limits)) this.#notifyRemoved()
  }

  async clear(): Promise<void> {
    const unsent = this.pending.filter(({ isSent }) => !isSent)
    this.#queue.remove(unsent)
    for (const { stored } of unsent) stored.resolve(this.#lastKey)
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
