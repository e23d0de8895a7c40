import { RemoteError } from './errors.ts'
import { IdleTimer } from './idle-timer.ts'
import { type RemoteRequest, type RemoteServer, requireEventStream } from './server.ts'
import { createSseParser, type SseMessages } from './sse-messages.ts'

/** How long a server may take to answer a call that is stopped before it has, in ms. */
const STOP_RESPONSE_TIMEOUT_MS = 5_000

/** One request, and the events that answer it. */
export class RemoteConnection {
  /** Why it was closed. */
  closeReason: unknown
  /** The id under which the server can resume the run; undefined where it cannot. */
  runId: string | undefined
  readonly #server: RemoteServer
  readonly #abort = new AbortController()
  readonly #idleTimer: IdleTimer
  readonly #parseMessages: (bytes: Uint8Array) => SseMessages
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  #openPromise: Promise<void> | undefined
  #rejectOpen: (error: unknown) => void = () => {}
  #isClosed = false

  constructor(server: RemoteServer, idleMs: number) {
    this.#server = server
    this.#parseMessages = createSseParser(server.address)
    this.#idleTimer = new IdleTimer(idleMs, () =>
      this.close(new RemoteError('network', `Nothing came from ${server.address} for ${idleMs} ms.`)),
    )
  }

  /** Since when a byte is waited for, ms since epoch; 0 where nobody waits. */
  get waitingSince(): number {
    return this.#idleTimer.waitingSince
  }

  /** Resolves when events are coming. Rejects as soon as it is closed, even where `fetch` ignores its signal. */
  open(ask: RemoteRequest): Promise<void> {
    this.#idleTimer.start()
    this.#openPromise = this.#open(ask)
    return new Promise((resolve, reject) => {
      this.#rejectOpen = reject
      this.#openPromise?.then(resolve, (error: unknown) => {
        this.#idleTimer.stop()
        reject(error)
      })
    })
  }

  async #open(ask: RemoteRequest): Promise<void> {
    const answer = await this.#server.send(ask, this.#abort.signal, () => this.#isClosed)
    this.runId = answer.response.headers.get('x-chaintap-run') ?? undefined
    const body = await requireEventStream(answer, this.#server.address)
    if (this.#isClosed) return void body.cancel(this.closeReason).catch(() => {})
    this.#idleTimer.waitingSince = 0
    this.#reader = body.getReader()
  }

  /** One read of the body; handlers of its promise rather than a promise of its own, which each chunk would pay for. */
  read<T>(then: (frames: SseMessages | undefined) => T | Promise<T>, failed: (error: unknown) => T | Promise<T>): Promise<T> | undefined {
    this.#idleTimer.start()
    return this.#reader?.read().then(({ value }) => {
      this.#idleTimer.waitingSince = 0
      return then(value && this.#parseMessages(value))
    }, failed)
  }

  /** Closes the socket, and answers who waits, before it returns. */
  close(reason: unknown): void {
    this.#end(reason)
    this.#abort.abort(reason)
  }

  /**
   * Closes it as a stop does, and gives the id of the run that is still to be stopped. Where the server has not answered yet, only its answer
   * tells whether closing is enough: a run that can be resumed goes on without its readers.
   */
  async closeForStop(reason: unknown): Promise<string | undefined> {
    if (this.#reader) this.close(reason)
    else {
      this.#end(reason)
      await this.#waitForResponse(reason)
    }
    return this.runId
  }

  /** Resolves when the server has answered, or was given up. */
  #waitForResponse(reason: unknown): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(() => {
        this.#abort.abort(reason)
        resolve()
      }, STOP_RESPONSE_TIMEOUT_MS)
      this.#openPromise?.then(done, done)
    })
  }

  #end(reason: unknown): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.closeReason = reason
    this.#idleTimer.stop()
    this.#rejectOpen(reason)
    void this.#reader?.cancel(reason).catch(() => {})
  }
}
