import { Disconnect, TruncatedError } from '../core/errors.ts'
import type { Source, SourceResult } from '../core/flow/source.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import { RemoteConnection } from './connection.ts'
import { RemoteError } from './errors.ts'
import type { ReconnectOptions, ResumableRun } from './options.ts'
import { onPageResume } from './page.ts'
import { createResumeRequest, isTransientRemoteError, type RemoteRequest, type RemoteServer, stopRun } from './server.ts'
import type { SseMessages } from './sse-messages.ts'

/** What a line is for. */
export interface ResumableEventSourceOptions extends Required<ReconnectOptions> {
  readonly server: RemoteServer
  readonly request: RemoteRequest
  /** Told when the server has said that it can resume the run. */
  readonly onResumable: (line: ResumableEventSource) => void
}

/** A server that asks for more is not waited for. */
const MAX_RECONNECT_PAUSE_MS = 60_000
/** How long one attempt waits for a network that is gone, in ms. */
const OFFLINE_PAUSE_MS = 30_000

const toFailure = (error: unknown): { readonly error: unknown } => ({ error })

type SseRead = SourceResult<SseMessages>
type SyncOrAsyncSseRead = Promise<SseRead> | SseRead

/**
 * The events of one run, across as many connections as it takes.
 *
 * - `cancel` closes the socket at once and, where the server would go on without a reader, tells it to stop; a `Disconnect` does not.
 * - Who hears the events keeps `seq`, and says when the run `isEnding` (its last event has come) and `exceedsLimits` (its outcome has).
 */
export class ResumableEventSource implements Source<SseMessages>, ResumableRun {
  id: string
  seq: number
  isEnding = false
  isOver = false
  readonly #options: ResumableEventSourceOptions
  readonly #run: RunHandle
  #connection: RemoteConnection | undefined
  #openedAt = 0
  #attempts = 0
  #seqAtDisconnect = -1
  #isClosed = false
  #unwatchPage: (() => void) | undefined
  #resolveRead: ((read: SseRead) => void) | undefined
  /** Ends a pause. */
  #endPause: (() => void) | undefined

  /** `resumed`: a run that was started before, and what of it is known. */
  constructor(
    call: ResumableEventSourceOptions,
    run: RunHandle,
    { id, after }: { readonly id: string; readonly after: number } = { id: '', after: -1 },
  ) {
    this.#options = call
    this.#run = run
    this.id = id
    this.seq = after
  }

  next(): SyncOrAsyncSseRead {
    if (this.isOver) return this.#finish()
    return this.#connection?.read(this.#onMessages, this.#onDisconnect) ?? this.#cancellable(() => this.#connectFirst())
  }

  cancel(reason: unknown): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const connection = this.#connection
    const isRunning = connection && !this.isEnding && !(reason instanceof Disconnect)
    // `flushed` waits for the stop request, so that a Worker lives until it is sent.
    if (isRunning) this.#run.waitUntil(this.#stop(connection, reason))
    else connection?.close(reason)
    this.#unwatchPage?.()
    this.#resolveRead?.({ done: true })
    this.#endPause?.()
  }

  readonly #onMessages = (frames: SseMessages | undefined): SyncOrAsyncSseRead =>
    frames ? { done: false, value: frames } : this.#onDisconnect(this.#connection?.closeReason)

  readonly #onDisconnect = (error: unknown): SyncOrAsyncSseRead => {
    if (this.#isClosed) return { done: true }
    if (this.isEnding) return this.#finish()
    const { server, maxReconnects } = this.#options
    if (this.id && maxReconnects > 0) return this.#cancellable(() => this.#reconnect(error))
    this.#finish()
    const why = this.id ? 'maxReconnects is 0' : 'it cannot resume a run: serveDurable() can'
    throw Object.assign(new TruncatedError(`The answer of ${server.address} was cut, and ${why}. What arrived was delivered.`), {
      cause: error,
    })
  }

  /** Reads no more. Whoever gives up does not stop the run, which may be resumed. */
  #finish(): SseRead {
    this.#isClosed = true
    this.#unwatchPage?.()
    this.#connection?.close(undefined)
    return { done: true }
  }

  /** Work that a cancel does not wait for. */
  #cancellable(work: () => Promise<SseRead>): Promise<SseRead> {
    return new Promise((resolve, reject) => {
      this.#resolveRead = resolve
      work().then(resolve, reject)
    })
  }

  async #connectFirst(): Promise<SseRead> {
    const { request, maxReconnects } = this.#options
    const failure = await this.#connect(request).then(() => undefined, toFailure)
    if (this.#isClosed) return { done: true }
    if (!failure) return this.next()
    // A run that is known already can be asked for again; any other call may have arrived.
    if (this.id && maxReconnects > 0 && isTransientRemoteError(failure.error)) return this.#reconnect(failure.error)
    this.#finish()
    throw failure.error
  }

  async #connect(ask: RemoteRequest): Promise<void> {
    const { server, idleMs, onResumable } = this.#options
    this.#connection?.close(undefined)
    const connection = new RemoteConnection(server, idleMs)
    this.#connection = connection
    this.#watchPage()
    await connection.open(ask)
    if (this.#isClosed) return
    const isFirst = this.#openedAt === 0
    this.#openedAt = Date.now()
    this.id ||= connection.runId ?? ''
    this.#watchPage()
    if (this.id && isFirst) onResumable(this)
  }

  /** Listens to the page, once there is a run to come back to. */
  #watchPage(): void {
    if (this.id) this.#unwatchPage ??= onPageResume(this.#options.graceMs, this.#onPageResume)
  }

  /** Makes the connection anew until it holds, or gives up. */
  async #reconnect(cut: unknown): Promise<SseRead> {
    const { server, idleMs, maxReconnects } = this.#options
    // A long silence with heartbeats is no failure.
    if (this.seq > this.#seqAtDisconnect || (idleMs > 0 && Date.now() - this.#openedAt > idleMs)) this.#attempts = 0
    this.#seqAtDisconnect = this.seq
    let error: unknown = cut ?? new RemoteError('network', `${server.address} ended its answer before the run's end.`)
    while (this.#attempts++ < maxReconnects) {
      await this.#run.emit({ type: 'retry', attempt: this.#attempts, error })
      if (!this.#isClosed) await this.#pause(error)
      if (this.#isClosed) break
      const failure = await this.#connect(createResumeRequest(this.id, this.seq)).then(() => undefined, toFailure)
      if (this.#isClosed) break
      if (!failure) return this.next()
      error = failure.error
      if (isTransientRemoteError(error)) continue
      this.#finish()
      throw error
    }
    if (this.#isClosed) return { done: true }
    this.#finish()
    const what = `The connection to ${server.address} was lost, and ${maxReconnects} attempts to go on failed`
    throw new RemoteError('connection_lost', `${what}. The run may be going on: resume('${this.id}') reads it.`, {
      cause: error,
      runId: this.id,
    })
  }

  #pause(error: unknown): Promise<void> {
    const { reconnectDelay } = this.#options
    const { retryAfterMs = 0 } = Object(error) as Partial<RemoteError>
    const isOffline = (globalThis as { navigator?: { onLine?: boolean } }).navigator?.onLine === false
    const ms = isOffline ? OFFLINE_PAUSE_MS : Math.max(reconnectDelay(this.#attempts), Math.min(retryAfterMs, MAX_RECONNECT_PAUSE_MS))
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** The page is back: what has been silent since it left is not waited for. */
  readonly #onPageResume = (since: number): void => {
    this.#endPause?.()
    const waits = this.#connection?.waitingSince
    if (waits && waits <= since) this.#connection?.close(new RemoteError('network', 'The page was away.'))
  }

  async #stop(connection: RemoteConnection, reason: unknown): Promise<void> {
    if (this.id) connection.close(reason)
    const id = this.id || (await connection.closeForStop(reason))
    if (id) await stopRun(this.#options.server, id)
  }
}
