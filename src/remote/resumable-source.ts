import { Disconnect, TruncatedError } from '../core/errors.ts'
import type { Read, Source } from '../core/flow/source.ts'
import type { OpenRun } from '../core/run/run.ts'
import { Connection } from './connection.ts'
import { RemoteError } from './errors.ts'
import type { LineOptions, ResumableRun } from './options.ts'
import { onReturn } from './page.ts'
import { type Ask, mayPass, resuming, type Server, stopRun } from './server.ts'
import type { Frames } from './sse-messages.ts'

/** What a line is for. */
export interface LineCall extends Required<LineOptions> {
  readonly server: Server
  readonly ask: Ask
  /** Told when the server has said that it can resume the run. */
  readonly resumable: (line: Line) => void
}

/** A server that asks for more is not waited for. */
const LONGEST_PAUSE = 60_000
/** How long one attempt waits for a network that is gone, in ms. */
const OFFLINE_PAUSE = 30_000

const failed = (error: unknown): { readonly error: unknown } => ({ error })

type Next = Read<Frames>
type Later = Promise<Next> | Next

/**
 * The events of one run, across as many connections as it takes.
 *
 * - `cancel` closes the socket at once and, where the server would go on without a reader, tells it to stop; a `Disconnect` does not.
 * - Who hears the events keeps `seq`, and says when the run `isEnding` (its last event has come) and `isOver` (its outcome has).
 */
export class Line implements Source<Frames>, ResumableRun {
  id: string
  seq: number
  isEnding = false
  isOver = false
  readonly #call: LineCall
  readonly #run: OpenRun
  #connection: Connection | undefined
  #openedAt = 0
  #attempts = 0
  #seqAtCut = -1
  #isClosed = false
  #unfollow: (() => void) | undefined
  #settle: ((read: Next) => void) | undefined
  /** Ends a pause. */
  #wake: (() => void) | undefined

  /** `resumed`: a run that was started before, and what of it is known. */
  constructor(call: LineCall, run: OpenRun, { id, after }: { readonly id: string; readonly after: number } = { id: '', after: -1 }) {
    this.#call = call
    this.#run = run
    this.id = id
    this.seq = after
  }

  next(): Later {
    if (this.isOver) return this.#finish()
    return this.#connection?.read(this.#onFrames, this.#onCut) ?? this.#settled(() => this.#begin())
  }

  cancel(reason: unknown): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const connection = this.#connection
    const isRunning = connection && !this.isEnding && !(reason instanceof Disconnect)
    // For who awaits `flushed`: the tree lets handlers finish, and a Worker lives until then.
    if (isRunning) {
      const stopped = this.#stop(connection, reason)
      this.#run.tree.lift(Object.assign(() => {}, { flush: () => stopped }))
    } else connection?.close(reason)
    this.#unfollow?.()
    this.#settle?.({ done: true })
    this.#wake?.()
  }

  readonly #onFrames = (frames: Frames | undefined): Later =>
    frames ? { done: false, value: frames } : this.#onCut(this.#connection?.lost)

  readonly #onCut = (error: unknown): Later => {
    if (this.#isClosed) return { done: true }
    if (this.isEnding) return this.#finish()
    const { server, maxReconnects } = this.#call
    if (this.id && maxReconnects > 0) return this.#settled(() => this.#again(error))
    this.#finish()
    const why = this.id ? 'maxReconnects is 0' : 'it cannot resume a run: serveDurable() can'
    throw Object.assign(new TruncatedError(`The answer of ${server.where} was cut, and ${why}. What arrived was delivered.`), {
      cause: error,
    })
  }

  /** Reads no more. Whoever gives up does not stop the run, which may be resumed. */
  #finish(): Next {
    this.#isClosed = true
    this.#unfollow?.()
    this.#connection?.close(undefined)
    return { done: true }
  }

  /** Work that a cancel does not wait for. */
  #settled(work: () => Promise<Next>): Promise<Next> {
    return new Promise((resolve, reject) => {
      this.#settle = resolve
      work().then(resolve, reject)
    })
  }

  async #begin(): Promise<Next> {
    const { ask, maxReconnects } = this.#call
    const failure = await this.#open(ask).then(() => undefined, failed)
    if (this.#isClosed) return { done: true }
    if (!failure) return this.next()
    // A run that is known already can be asked for again; any other call may have arrived.
    if (this.id && maxReconnects > 0 && mayPass(failure.error)) return this.#again(failure.error)
    this.#finish()
    throw failure.error
  }

  async #open(ask: Ask): Promise<void> {
    const { server, idleMs, resumable } = this.#call
    this.#connection?.close(undefined)
    const connection = new Connection(server, idleMs)
    this.#connection = connection
    this.#follow()
    await connection.open(ask)
    if (this.#isClosed) return
    const isFirst = this.#openedAt === 0
    this.#openedAt = Date.now()
    this.id ||= connection.runId ?? ''
    this.#follow()
    if (this.id && isFirst) resumable(this)
  }

  /** Listens to the page, once there is a run to come back to. */
  #follow(): void {
    if (this.id) this.#unfollow ??= onReturn(this.#call.graceMs, this.#onReturn)
  }

  /** Makes the connection anew until it holds, or gives up. */
  async #again(cut: unknown): Promise<Next> {
    const { server, idleMs, maxReconnects } = this.#call
    // A long silence with heartbeats is no failure.
    if (this.seq > this.#seqAtCut || (idleMs > 0 && Date.now() - this.#openedAt > idleMs)) this.#attempts = 0
    this.#seqAtCut = this.seq
    let error: unknown = cut ?? new RemoteError('network', `${server.where} ended its answer before the run's end.`)
    while (this.#attempts++ < maxReconnects) {
      await this.#run.emit({ type: 'retry', attempt: this.#attempts, error })
      if (!this.#isClosed) await this.#pause(error)
      if (this.#isClosed) break
      const failure = await this.#open(resuming(this.id, this.seq)).then(() => undefined, failed)
      if (this.#isClosed) break
      if (!failure) return this.next()
      error = failure.error
      if (mayPass(error)) continue
      this.#finish()
      throw error
    }
    if (this.#isClosed) return { done: true }
    this.#finish()
    const what = `The connection to ${server.where} was lost, and ${maxReconnects} attempts to go on failed`
    throw new RemoteError('connection_lost', `${what}. The run may be going on: resume('${this.id}') reads it.`, {
      cause: error,
      runId: this.id,
    })
  }

  #pause(error: unknown): Promise<void> {
    const { reconnectDelay } = this.#call
    const { retryAfterMs = 0 } = Object(error) as Partial<RemoteError>
    const isOffline = (globalThis as { navigator?: { onLine?: boolean } }).navigator?.onLine === false
    const ms = isOffline ? OFFLINE_PAUSE : Math.max(reconnectDelay(this.#attempts), Math.min(retryAfterMs, LONGEST_PAUSE))
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** The page is back: what has been silent since it left is not waited for. */
  readonly #onReturn = (since: number): void => {
    this.#wake?.()
    const waits = this.#connection?.waitsSince
    if (waits && waits <= since) this.#connection?.close(new RemoteError('network', 'The page was away.'))
  }

  async #stop(connection: Connection, reason: unknown): Promise<void> {
    if (this.id) connection.close(reason)
    const id = this.id || (await connection.leave(reason))
    if (id) await stopRun(this.#call.server, id)
  }
}
