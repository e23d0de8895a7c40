import { ChaintapError } from '../../core/errors.ts'
import { asyncDispose } from '../../core/flow/iterator.ts'
import { follow, LONGEST_TIMER } from '../../core/util/signal.ts'
import { newest, recordsOf } from '../read-records.ts'
import type { LogFilter, StoredRecord } from '../record.ts'
import { isWaiting } from '../segment/segment.ts'
import type { LogStore } from '../store.ts'
import { Draft } from './batch.ts'
import { cursorIn, isMark, type ShipCursor } from './cursor.ts'
import { withoutSecrets } from './delivery-name.ts'
import type { ShipOptions, Shipper } from './index.ts'
import { watchPage } from './page-hide.ts'
import { deliver, postTo, type ShipTarget } from './post.ts'
import { alone } from './web-lock.ts'

/** How many records are held for the case that the page is left. */
const HELD = 500

/** A delivery that goes on: when something new is in the log, what comes after the cursor is read and sent. */
export class Shipment implements Shipper {
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
  #isDue = false
  /** What came since this began and is not on its way: a page that is left has no time to read its log. */
  #held: StoredRecord[] = []
  /** How far it was delivered, where that could not be saved. */
  #unsaved: string | undefined

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
    this.#name = withoutSecrets(name ?? (typeof to === 'function' ? 'function' : String(to).replace(/[?#].*/, '')))
    this.#target = typeof to === 'function' ? to : postTo(to, options)
    this.#cursor = cursor ?? cursorIn(store, this.#name)
    this.#options = options
    this.#tail = store.tail(filter).getReader()
    this.#closed.promise.catch(() => {})
    Object.defineProperty(this, asyncDispose, { value: async () => this.#end() })
    this.#watch(signal)
    void this.#listen()
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
    const unfollow = follow(signal, end)
    try {
      await Promise.race([this.#ship(), ended.promise])
    } finally {
      unfollow()
    }
  }

  /** Lets go of page and signal when it ends. */
  #watch(signal: AbortSignal | undefined): void {
    const unwatch = watchPage(
      () => void this.#ship(),
      () => this.#leave(),
    )
    const unfollow = signal ? follow(signal, () => this.#end()) : () => {}
    follow(this.#controller.signal, () => {
      unwatch()
      unfollow()
    })
  }

  async #listen(): Promise<void> {
    void this.#ship()
    try {
      for (let read = await this.#tail.read(); !read.done; read = await this.#tail.read()) this.#hear(read.value)
      this.#end()
    } catch (error) {
      this.#end({ error })
    }
  }

  #hear(record: StoredRecord): void {
    if (isMark(record)) return
    if (this.#held.length < HELD) this.#held.push(record)
    if (record.level === 'error' || record.level === 'fatal') void this.#ship()
    else this.#timer ??= setTimeout(() => void this.#ship(), Math.min(this.#options.delayMs ?? 5_000, LONGEST_TIMER))
  }

  /** Has everything sent that is in the log now. Calls before a pass has begun share it. */
  #ship(): Promise<void> {
    if (!this.#isDue) {
      this.#isDue = true
      this.#pass = this.#pass.then(() => this.#turn())
      this.#pass.catch((error: unknown) => this.#end({ error }))
    }
    return this.#pass
  }

  async #turn(): Promise<void> {
    this.#isDue = false
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
    await (isKept ? alone(`chaintap:ship:${name}:${this.#name}`, signal, send) : send())
  }

  async #sendAll(signal: AbortSignal, isKept: boolean): Promise<void> {
    const after = await this.#after()
    let draft = new Draft()
    for await (const record of recordsOf(this.#store, { ...this.#filter, after })) {
      // It has come meanwhile, and has no place yet: another tab would go on before it, and send it again. It is heard of, and the next pass has it.
      if (isKept && isWaiting(record.cursor)) break
      if (isMark(record) || draft.add(record)) continue
      await this.#send(draft, signal)
      draft = new Draft()
      draft.add(record)
    }
    if (draft.records > 0) await this.#send(draft, signal)
  }

  /** Behind which record to go on. Where another one stands in its place it is another log (its database was deleted), and nothing of it was sent. */
  async #after(): Promise<string> {
    const [cursor = '', id] = (this.#unsaved ?? (await this.#cursor.load()) ?? '').split(' ')
    if (id === undefined || isWaiting(cursor)) return cursor
    const there = await newest(this.#store, { before: `${cursor}~` })
    return there && there.id !== id ? '' : cursor
  }

  async #send(draft: Draft, signal: AbortSignal): Promise<void> {
    const { cursor, id } = draft
    this.#held = this.#held.filter((record) => record.cursor > cursor)
    await deliver(draft, this.#target, { name: this.#name, signal, onRetry: this.#options.onRetry })
    try {
      await this.#cursor.save(`${cursor} ${id}`)
      this.#unsaved = undefined
    } catch {
      this.#unsaved = `${cursor} ${id}`
    }
  }

  /** Sends what it has at hand, in the turn that is left. Nobody hears how that went: it is sent again where the page comes back. */
  #leave(): void {
    const draft = new Draft()
    for (const record of this.#held) if (!draft.add(record)) break
    if (draft.records === 0) return
    const send = async (): Promise<unknown> => this.#target(draft.batch(this.#controller.signal))
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
