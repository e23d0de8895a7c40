import { ChaintapError } from '../../core/errors.ts'
import { setAsyncDispose } from '../../core/util/dispose.ts'
import { watchPage } from '../../core/util/page.ts'
import { listenForAbort, MAX_TIMER_MS } from '../../core/util/signal.ts'
import { isCursorRecord } from '../cursor-record.ts'
import { readNewest, readRecords } from '../read-records.ts'
import type { LogFilter, StoredRecord } from '../record.ts'
import { isPendingCursor } from '../segment/segment.ts'
import type { LogStore } from '../store.ts'
import { ShipBatchBuilder } from './batch.ts'
import { createLogCursor, type ShipCursor } from './cursor.ts'
import { redactDeliveryName } from './delivery-name.ts'
import { createHttpTarget, deliverBatch, type ShipTarget } from './post.ts'
import type { ShipOptions, Shipper } from './types.ts'
import { withWebLock } from './web-lock.ts'

/** Maximum number of unsent records kept in memory for the case that the page is left. */
const MAX_UNSENT_RECORDS = 500

/** Ships a log: whenever there are new records, a pass reads the log from the cursor on and sends it in batches. */
export class Uploader implements Shipper {
  declare readonly [Symbol.asyncDispose]: () => Promise<void>
  readonly #store: LogStore
  readonly #filter: LogFilter
  readonly #name: string
  readonly #target: ShipTarget
  readonly #cursor: ShipCursor
  readonly #options: ShipOptions
  readonly #controller = new AbortController()
  readonly #closed = Promise.withResolvers<void>()
  readonly #tail: ReadableStreamDefaultReader<StoredRecord>
  #timer: ReturnType<typeof setTimeout> | null = null
  /** The pass that was requested last, and whether it has not started yet. */
  #pass: Promise<void> = Promise.resolve()
  #isPassRequested = false
  /** Records written since the start that are not being sent yet: a page that is being left has no time to read its log. */
  #unsent: StoredRecord[] = []
  /** The cursor of the last delivery, if it could not be saved. */
  #unsavedCursor: string | undefined

  constructor(store: LogStore, to: string | URL | ShipTarget, options: ShipOptions) {
    const {
      name,
      cursor,
      signal,
      headers: _headers,
      fetch: _fetch,
      delayMs: _delayMs,
      onRetry: _onRetry,
      onError: _onError,
      ...filter
    } = options
    this.#store = store
    this.#filter = filter
    this.#name = redactDeliveryName(name ?? (typeof to === 'function' ? 'function' : String(to).replace(/[?#].*/, '')))
    this.#target = typeof to === 'function' ? to : createHttpTarget(to, options)
    this.#cursor = cursor ?? createLogCursor(store, this.#name)
    this.#options = options
    this.#tail = store.tail(filter).getReader()
    this.#closed.promise.catch(() => {})
    setAsyncDispose(this, async () => this.#end())
    this.#watchPageAndSignal(signal)
    void this.#readTail()
  }

  get closed(): Promise<void> {
    return this.#closed.promise
  }

  async flush(): Promise<void> {
    const { signal } = this.#controller
    const ended = Promise.withResolvers<never>()
    const end = (): void => {
      const closed = new ChaintapError(
        'log_closed',
        `The delivery to ${this.#name} has ended. Records that were not sent are still in the log.`,
      )
      this.closed.then(() => ended.reject(closed), ended.reject)
    }
    const unfollow = listenForAbort(signal, end)
    try {
      await Promise.race([this.#requestPass(), ended.promise])
    } finally {
      unfollow()
    }
  }

  /** Adds the listeners, and removes them when the delivery ends. */
  #watchPageAndSignal(signal: AbortSignal | undefined): void {
    const unwatch = watchPage({ hidden: () => void this.#requestPass(), pagehide: () => this.#sendOnUnload() })
    const unfollow = signal ? listenForAbort(signal, () => this.#end()) : () => {}
    listenForAbort(this.#controller.signal, () => {
      unwatch()
      unfollow()
    })
  }

  async #readTail(): Promise<void> {
    void this.#requestPass()
    try {
      for (let read = await this.#tail.read(); !read.done; read = await this.#tail.read()) this.#onRecord(read.value)
      this.#end()
    } catch (error) {
      this.#end({ error })
    }
  }

  #onRecord(record: StoredRecord): void {
    if (isCursorRecord(record)) return
    if (this.#unsent.length < MAX_UNSENT_RECORDS) this.#unsent.push(record)
    if (record.level === 'error' || record.level === 'fatal') void this.#requestPass()
    else this.#timer ??= setTimeout(() => void this.#requestPass(), Math.min(this.#options.delayMs ?? 5_000, MAX_TIMER_MS))
  }

  /** Requests a pass that sends everything that is in the log now. Calls before it starts share one pass. */
  #requestPass(): Promise<void> {
    if (!this.#isPassRequested) {
      this.#isPassRequested = true
      this.#pass = this.#pass.then(() => this.#runPass())
      this.#pass.catch((error: unknown) => this.#end({ error }))
    }
    return this.#pass
  }

  async #runPass(): Promise<void> {
    this.#isPassRequested = false
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    // After the flush every record has its final cursor, or cannot get one, and `isDurable` says whether other tabs share the log.
    const isDurable = await this.#store.flush().then(
      () => this.#store.isDurable,
      () => false,
    )
    const { signal } = this.#controller
    signal.throwIfAborted()
    const send = (): Promise<void> => this.#sendAll(signal, isDurable)
    const { name = '' } = this.#store as { readonly name?: string }
    await (isDurable ? withWebLock(`chaintap:ship:${name}:${this.#name}`, signal, send) : send())
  }

  async #sendAll(signal: AbortSignal, isDurable: boolean): Promise<void> {
    const after = await this.#loadCursor()
    let builder = new ShipBatchBuilder()
    for await (const record of readRecords(this.#store, { ...this.#filter, after })) {
      // Written meanwhile, and without a final cursor: another tab would continue before it and send it again. The tail requests a pass for it.
      if (isDurable && isPendingCursor(record.cursor)) break
      if (isCursorRecord(record) || builder.add(record)) continue
      await this.#send(builder, signal)
      builder = new ShipBatchBuilder()
      builder.add(record)
    }
    if (builder.records > 0) await this.#send(builder, signal)
  }

  /**
   * Returns the cursor to continue after. If that cursor now belongs to a record with another `id`, this is a new log (the database was deleted),
   * and delivery starts from its beginning.
   */
  async #loadCursor(): Promise<string> {
    const [cursor = '', id] = (this.#unsavedCursor ?? (await this.#cursor.load()) ?? '').split(' ')
    if (id === undefined || isPendingCursor(cursor)) return cursor
    const found = await readNewest(this.#store, { before: `${cursor}~` })
    return found && found.id !== id ? '' : cursor
  }

  async #send(builder: ShipBatchBuilder, signal: AbortSignal): Promise<void> {
    const { cursor, id } = builder
    this.#unsent = this.#unsent.filter((record) => record.cursor > cursor)
    await deliverBatch(builder, this.#target, { name: this.#name, signal, onRetry: this.#options.onRetry })
    try {
      await this.#cursor.save(`${cursor} ${id}`)
      this.#unsavedCursor = undefined
    } catch {
      this.#unsavedCursor = `${cursor} ${id}`
    }
  }

  /** Sends unsent records from memory in the current turn. The result is ignored: the next visit sends them again. */
  #sendOnUnload(): void {
    const builder = new ShipBatchBuilder()
    for (const record of this.#unsent) if (!builder.add(record)) break
    if (builder.records === 0) return
    const send = async (): Promise<unknown> => this.#target(builder.build(this.#controller.signal))
    send().catch(() => {})
  }

  #end(failure?: { readonly error: unknown }): void {
    const { signal } = this.#controller
    if (signal.aborted) return
    this.#controller.abort()
    if (this.#timer) clearTimeout(this.#timer)
    this.#tail.cancel().catch(() => {})
    // Closing the log ends the delivery without an error.
    if (!failure || (failure.error instanceof ChaintapError && failure.error.code === 'log_closed')) return this.#closed.resolve()
    this.#closed.reject(failure.error)
    const out = console
    const { onError = globalThis.reportError ?? ((error: unknown) => out.error(error)) } = this.#options
    onError(failure.error)
  }
}
