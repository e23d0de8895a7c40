import { RemoteError } from './errors.ts'
import { Watch } from './idle-timer.ts'
import { type Ask, eventsOf, type Server } from './server.ts'
import { type Frames, framesReader } from './sse-messages.ts'

/** How long a server may take to answer a call that is stopped before it has, in ms. */
const PATIENCE = 5_000

/** One request, and the events that answer it. */
export class Connection {
  /** Why it was closed. */
  lost: unknown
  /** The id under which the server can resume the run; undefined where it cannot. */
  runId: string | undefined
  readonly #server: Server
  readonly #abort = new AbortController()
  readonly #watch: Watch
  readonly #framesOf: (bytes: Uint8Array) => Frames
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  #opening: Promise<void> | undefined
  #giveUp: (error: unknown) => void = () => {}
  #isClosed = false

  constructor(server: Server, idleMs: number) {
    this.#server = server
    this.#framesOf = framesReader(server.where)
    this.#watch = new Watch(idleMs, () => this.close(new RemoteError('network', `Nothing came from ${server.where} for ${idleMs} ms.`)))
  }

  /** Since when a byte is waited for, ms since epoch; 0 where nobody waits. */
  get waitsSince(): number {
    return this.#watch.since
  }

  /** Resolves when events are coming. Rejects as soon as it is closed, even where `fetch` ignores its signal. */
  open(ask: Ask): Promise<void> {
    this.#watch.wait()
    this.#opening = this.#open(ask)
    return new Promise((resolve, reject) => {
      this.#giveUp = reject
      this.#opening?.then(resolve, (error: unknown) => {
        this.#watch.end()
        reject(error)
      })
    })
  }

  async #open(ask: Ask): Promise<void> {
    const answer = await this.#server.send(ask, this.#abort.signal, () => this.#isClosed)
    this.runId = answer.response.headers.get('x-chaintap-run') ?? undefined
    const body = await eventsOf(answer, this.#server.where)
    if (this.#isClosed) return void body.cancel(this.lost).catch(() => {})
    this.#watch.since = 0
    this.#reader = body.getReader()
  }

  /** One read of the body; handlers of its promise rather than a promise of its own, which each chunk would pay for. */
  read<T>(then: (frames: Frames | undefined) => T | Promise<T>, failed: (error: unknown) => T | Promise<T>): Promise<T> | undefined {
    this.#watch.wait()
    return this.#reader?.read().then(({ value }) => {
      this.#watch.since = 0
      return then(value && this.#framesOf(value))
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
  async leave(reason: unknown): Promise<string | undefined> {
    if (this.#reader) this.close(reason)
    else {
      this.#end(reason)
      await this.#answered(reason)
    }
    return this.runId
  }

  /** Resolves when the server has answered, or was given up. */
  #answered(reason: unknown): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(() => {
        this.#abort.abort(reason)
        resolve()
      }, PATIENCE)
      this.#opening?.then(done, done)
    })
  }

  #end(reason: unknown): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.lost = reason
    this.#watch.end()
    this.#giveUp(reason)
    void this.#reader?.cancel(reason).catch(() => {})
  }
}
