import { Disconnect, TruncatedError } from '../core/errors.ts'
import type { Source, SourceResult } from '../core/flow/source.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import { RemoteConnection } from './connection.ts'
import { RemoteError } from './errors.ts'
import type { ReconnectOptions, ResumableRun } from './options.ts'
import { onPageResume } from './page.ts'
import { createResumeRequest, isTransientRemoteError, type RemoteRequest, type RemoteServer, stopRun } from './server.ts'
import type { SseMessages } from './sse-messages.ts'

/** Options of a {@link ResumableEventSource}. */
export interface ResumableEventSourceOptions extends Required<ReconnectOptions> {
  readonly server: RemoteServer
  readonly request: RemoteRequest
  /** Called when the server has announced that it can resume the run. */
  readonly onResumable: (source: ResumableEventSource) => void
}

/** Longest pause taken from `Retry-After`, in ms. */
const MAX_RECONNECT_PAUSE_MS = 60_000
/** Pause before an attempt while the browser is offline, in ms. */
const OFFLINE_PAUSE_MS = 30_000

const toFailure = (error: unknown): { readonly error: unknown } => ({ error })

type SseRead = SourceResult<SseMessages>
type SyncOrAsyncSseRead = Promise<SseRead> | SseRead

/**
 * The server-sent events of one run, over as many connections as needed.
 *
 * - `cancel` closes the socket at once. If the server would continue without a reader, `cancel` also asks it to stop, except after a
 *   `Disconnect`.
 * - The stage that decodes the events updates `seq`, sets `isEnding` when the root's last event has been received, and `isOver` when the
 *   outcome has.
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
  /** Ends the pause before a reconnect attempt. */
  #endPause: (() => void) | undefined

  /** The third argument is given for a run that was started earlier: its id, and the last event that is known. */
  constructor(
    options: ResumableEventSourceOptions,
    run: RunHandle,
    { id, after }: { readonly id: string; readonly after: number } = { id: '', after: -1 },
  ) {
    this.#options = options
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

  readonly #onMessages = (messages: SseMessages | undefined): SyncOrAsyncSseRead =>
    messages ? { done: false, value: messages } : this.#onDisconnect(this.#connection?.closeReason)

  readonly #onDisconnect = (error: unknown): SyncOrAsyncSseRead => {
    if (this.#isClosed) return { done: true }
    if (this.isEnding) return this.#finish()
    const { server, maxReconnects } = this.#options
    if (this.id && maxReconnects > 0) return this.#cancellable(() => this.#reconnect(error))
    this.#finish()
    const why = this.id ? 'maxReconnects is 0' : 'it cannot resume runs (serveDurable() can)'
    const message = `The response of ${server.address} was cut off, and ${why}. The chunks received were delivered.`
    throw Object.assign(new TruncatedError(message), { cause: error })
  }

  /** Closes the connection. Does not stop the run on the server, so that it can be resumed. */
  #finish(): SseRead {
    this.#isClosed = true
    this.#unwatchPage?.()
    this.#connection?.close(undefined)
    return { done: true }
  }

  /** Runs `work`. The read resolves at once if it is cancelled meanwhile. */
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
    // Repeating the request is safe only for a run with a known id: another call may have reached the server.
    if (this.id && maxReconnects > 0 && isTransientRemoteError(failure.error)) return this.#reconnect(failure.error)
    this.#finish()
    throw failure.error
  }

  async #connect(request: RemoteRequest): Promise<void> {
    const { server, idleMs, onResumable } = this.#options
    this.#connection?.close(undefined)
    const connection = new RemoteConnection(server, idleMs)
    this.#connection = connection
    this.#watchPage()
    await connection.open(request)
    if (this.#isClosed) return
    const isFirst = this.#openedAt === 0
    this.#openedAt = Date.now()
    this.id ||= connection.runId ?? ''
    this.#watchPage()
    if (this.id && isFirst) onResumable(this)
  }

  /** Listens to page events once the run can be resumed. */
  #watchPage(): void {
    if (this.id) this.#unwatchPage ??= onPageResume(this.#options.graceMs, this.#onPageResume)
  }

  /** Reopens the connection, with up to `maxReconnects` attempts. */
  async #reconnect(cause: unknown): Promise<SseRead> {
    const { server, idleMs, maxReconnects } = this.#options
    // An event, or a connection that stayed open for long with heartbeats alone, resets the count.
    if (this.seq > this.#seqAtDisconnect || (idleMs > 0 && Date.now() - this.#openedAt > idleMs)) this.#attempts = 0
    this.#seqAtDisconnect = this.seq
    let error: unknown = cause ?? new RemoteError('network', `${server.address} ended its response before the run ended.`)
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
    const message = `The connection to ${server.address} was lost; ${maxReconnects} reconnect attempts failed. `
    throw new RemoteError('connection_lost', `${message}The run may still be in progress: call resume('${this.id}').`, {
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

  /** Closes a connection that has been silent since the page was hidden, so that it is reopened. */
  readonly #onPageResume = (since: number): void => {
    this.#endPause?.()
    const waitingSince = this.#connection?.waitingSince
    if (waitingSince && waitingSince <= since) this.#connection?.close(new RemoteError('network', 'The page was hidden or offline.'))
  }

  async #stop(connection: RemoteConnection, reason: unknown): Promise<void> {
    if (this.id) connection.close(reason)
    const id = this.id || (await connection.closeForStop(reason))
    if (id) await stopRun(this.#options.server, id)
  }
}
