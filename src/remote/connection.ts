import { RemoteError } from './errors.ts'
import { IdleTimer } from './idle-timer.ts'
import { type RemoteRequest, type RemoteServer, requireEventStream } from './server.ts'
import { createSseParser, type SseMessages } from './sse-messages.ts'

/** How long to wait for the response to a call that was stopped before it arrived, in ms. */
const STOP_RESPONSE_TIMEOUT_MS = 5_000

/** One request and the server-sent events of its response. */
export class RemoteConnection {
  /** The reason given to `close`. */
  closeReason: unknown
  /** The id under which the server can resume the run; undefined if it cannot. */
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
      this.close(new RemoteError('network', `No data from ${server.address} for ${idleMs} ms.`)),
    )
  }

  /** When the pending wait for data began, in ms since epoch; 0 if none is pending. */
  get waitingSince(): number {
    return this.#idleTimer.waitingSince
  }

  /**
   * Sends the request. Resolves when the response has begun. Rejects as soon as the connection is closed, even if `fetch` ignores its
   * signal.
   */
  open(request: RemoteRequest): Promise<void> {
    this.#idleTimer.start()
    this.#openPromise = this.#open(request)
    return new Promise((resolve, reject) => {
      this.#rejectOpen = reject
      this.#openPromise?.then(resolve, (error: unknown) => {
        this.#idleTimer.stop()
        reject(error)
      })
    })
  }

  async #open(request: RemoteRequest): Promise<void> {
    const received = await this.#server.send(request, this.#abort.signal, () => this.#isClosed)
    this.runId = received.response.headers.get('x-chaintap-run') ?? undefined
    const body = await requireEventStream(received, this.#server.address)
    if (this.#isClosed) return void body.cancel(this.closeReason).catch(() => {})
    this.#idleTimer.waitingSince = 0
    this.#reader = body.getReader()
  }

  /** Reads one chunk of the body. Takes callbacks for the promise of that read, because a promise of its own would cost each chunk. */
  read<T>(
    onMessages: (messages: SseMessages | undefined) => T | Promise<T>,
    onError: (error: unknown) => T | Promise<T>,
  ): Promise<T> | undefined {
    this.#idleTimer.start()
    return this.#reader?.read().then(({ value }) => {
      this.#idleTimer.waitingSince = 0
      return onMessages(value && this.#parseMessages(value))
    }, onError)
  }

  /** Closes the socket and rejects a pending `open` synchronously. */
  close(reason: unknown): void {
    this.#end(reason)
    this.#abort.abort(reason)
  }

  /**
   * Closes the connection because the run was stopped. Resolves to the id of a run that must still be stopped on the server. If the
   * response has not arrived, this waits for it, because only its headers say whether the run continues without a reader.
   */
  async closeForStop(reason: unknown): Promise<string | undefined> {
    if (this.#reader) this.close(reason)
    else {
      this.#end(reason)
      await this.#waitForResponse(reason)
    }
    return this.runId
  }

  /** Resolves when the response has arrived or `STOP_RESPONSE_TIMEOUT_MS` have passed. */
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
