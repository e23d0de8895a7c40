import { ChaintapError } from '../../core/errors.ts'
import { setAsyncDispose } from '../../core/util/dispose.ts'
import { listenForAbort, MAX_TIMER_MS } from '../../core/util/signal.ts'
import { isCursorRecord } from '../cursor-record.ts'
import { readNewest, readRecords } from '../read-records.ts'
import type { LogFilter, StoredRecord } from '../record.ts'
import { isPendingCursor } from '../segment/segment.ts'
import type { LogStore } from '../store.ts'
import { ShipBatchBuilder } from './batch.ts'
import { createLogCursor, type ShipCursor } from './cursor.ts'
import { redactDeliveryName } from './delivery-name.ts'
import { watchPageHide } from './page-hide.ts'
import { createHttpTarget, deliverBatch, type ShipTarget } from './post.ts'
import type { ShipOptions, Shipper } from './types.ts'
import { withWebLock } from './web-lock.ts'

/** How many records are held for the case that the page is left. */
const MAX_UNSENT_RECORDS = 500

/** A delivery that goes on: when something new is in the log, what comes after the cursor is read and sent. */
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
  /** The last pass that was asked for, and whether it has not begun. */
  #pass: Promise<void> = Promise.resolve()
  #isPassRequested = false
  /** What came since this began and is not on its way: a page that is left has no time to read its log. */
  #unsent: StoredRecord[] = []
  /** How far it was delivered, where that could not be saved. */
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
      const closed = new ChaintapError('log_closed', `The delivery to ${this.#name} was ended. What it has not sent is in the log.`)
      this.closed.then(() => ended.reject(closed), ended.reject)
    }
    const unfollow = listenForAbort(signal, end)
    try {
      await Promise.race([this.#requestPass(), ended.promise])
    } finally {
      unfollow()
    }
  }

  /** Lets go of page and signal when it ends. */
  #watchPageAndSignal(signal: AbortSignal | undefined): void {
    const unwatch = watchPageHide(
      () => void this.#requestPass(),
      () => this.#sendOnUnload(),
    )
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

  /** Has everything sent that is in the log now. Calls before a pass has begun share it. */
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
    // Then all that was taken until now has its place, or cannot have one; and it is known whether other tabs have the log, too.
    const isKept = await this.#store.flush().then(
      () => this.#store.isDurable,
      () => false,
    )
    const { signal } = this.#controller
    signal.throwIfAborted()
    const send = (): Promise<void> => this.#sendAll(signal, isKept)
    const { name = '' } = this.#store as { readonly name?: string }
    await (isKept ? withWebLock(`chaintap:ship:${name}:${this.#name}`, signal, send) : send())
  }

  async #sendAll(signal: AbortSignal, isKept: boolean): Promise<void> {
    const after = await this.#loadCursor()
    let draft = new ShipBatchBuilder()
    for await (const record of readRecords(this.#store, { ...this.#filter, after })) {
      // It has come meanwhile, and has no place yet: another tab would go on before it, and send it again. It is heard of, and the next pass has it.
      if (isKept && isPendingCursor(record.cursor)) break
      if (isCursorRecord(record) || draft.add(record)) continue
      await this.#send(draft, signal)
      draft = new ShipBatchBuilder()
      draft.add(record)
    }
    if (draft.records > 0) await this.#send(draft, signal)
  }

  /** Behind which record to go on. Where another one stands in its place it is another log (its database was deleted), and nothing of it was sent. */
  async #loadCursor(): Promise<string> {
    const [cursor = '', id] = (this.#unsavedCursor ?? (await this.#cursor.load()) ?? '').split(' ')
    if (id === undefined || isPendingCursor(cursor)) return cursor
    const there = await readNewest(this.#store, { before: `${cursor}~` })
    return there && there.id !== id ? '' : cursor
  }

  async #send(draft: ShipBatchBuilder, signal: AbortSignal): Promise<void> {
    const { cursor, id } = draft
    this.#unsent = this.#unsent.filter((record) => record.cursor > cursor)
    await deliverBatch(draft, this.#target, { name: this.#name, signal, onRetry: this.#options.onRetry })
    try {
      await this.#cursor.save(`${cursor} ${id}`)
      this.#unsavedCursor = undefined
    } catch {
      this.#unsavedCursor = `${cursor} ${id}`
    }
  }

  /** Sends what it has at hand, in the turn that is left. Nobody hears how that went: it is sent again where the page comes back. */
  #sendOnUnload(): void {
    const draft = new ShipBatchBuilder()
    for (const record of this.#unsent) if (!draft.add(record)) break
    if (draft.records === 0) return
    const send = async (): Promise<unknown> => this.#target(draft.build(this.#controller.signal))
    send().catch(() => {})
  }

  #end(failure?: { readonly error: unknown }): void {
    const { signal } = this.#controller
    if (signal.aborted) return
    this.#controller.abort()
    if (this.#timer) clearTimeout(this.#timer)
    this.#tail.cancel().catch(() => {})
    // Who closes the log ends the delivery with it.
    if (!failure || (failure.error instanceof ChaintapError && failure.error.code === 'log_closed')) return this.#closed.resolve()
    this.#closed.reject(failure.error)
    const out = console
    const { onError = globalThis.reportError ?? ((error: unknown) => out.error(error)) } = this.#options
    onError(failure.error)
  }
}
