import { type FaultyAnswer, headersOf, stepsOf } from './faulty-answer.ts'

/** Told of what happens to one response. */
export interface Watch {
  pulled(): void
  /** Once. */
  closed(how: Closing, reason: unknown): void
}

/** How a connection closes: from its own side by `end` or `error`, from the caller's by `cancel` of the body or `abort` of the signal. */
export type Closing = 'end' | 'error' | 'cancel' | 'abort'

// The Fetch standard's null body statuses that a Response may have.
const bodiless: readonly number[] = [204, 205, 304]

/** Answers one call as its script says, pull by pull. An abort rejects the call, and errors the body, with the signal's reason: as fetch does. */
export async function respond(answer: FaultyAnswer, signal: AbortSignal | undefined, watch?: Watch): Promise<Response> {
  const { status = 200, errorBefore, stallBeforeHeaders, until, deaf } = answer
  const connection = new Connection(deaf ? undefined : signal, watch)
  if (errorBefore) connection.close('error', errorBefore)
  if (stallBeforeHeaders) await connection.stall(until)
  await connection.whileOpen(undefined)
  const isEmpty = bodiless.includes(status)
  if (isEmpty) connection.close('end')
  return new Response(isEmpty ? null : bodyOf(answer, connection, watch), { status, headers: headersOf(answer) })
}

function bodyOf(answer: FaultyAnswer, connection: Connection, watch: Watch | undefined): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { delayMs = 0, until } = answer
  const steps = stepsOf(answer).values()
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start(controller) {
        connection.broken.catch((reason) => controller.error(reason))
      },
      async pull(controller) {
        watch?.pulled()
        if (delayMs > 0) await connection.sleep(delayMs)
        let { value: step } = steps.next()
        if (step === 'stall') {
          await connection.stall(until)
          step = steps.next().value
        }
        if (step instanceof Uint8Array) return controller.enqueue(step)
        if (step === 'drop') return connection.close('error', new TypeError('terminated: the socket was closed'))
        connection.close('end')
        controller.close()
      },
      cancel: (reason) => connection.close('cancel', reason),
    },
    // Nothing is read ahead: each pull is a read.
    { highWaterMark: 0 },
  )
}

/** Open until it closes in one of four ways. */
class Connection {
  /** Rejects when it closes in any way but the good one. */
  readonly broken: Promise<never>
  readonly #break: (reason: unknown) => void
  readonly #signal: AbortSignal | undefined
  readonly #watch: Watch | undefined
  #closed = false

  constructor(signal: AbortSignal | undefined, watch: Watch | undefined) {
    const { promise, reject } = Promise.withResolvers<never>()
    // Whoever reads hears of it; without a reader it is nobody's.
    promise.catch(() => {})
    this.broken = promise
    this.#break = reject
    this.#signal = signal
    this.#watch = watch
    signal?.addEventListener('abort', this.#onAbort)
    if (signal?.aborted) this.#onAbort()
  }

  close(how: Closing, reason?: unknown): void {
    if (this.#closed) return
    this.#closed = true
    this.#signal?.removeEventListener('abort', this.#onAbort)
    if (how !== 'end') this.#break(reason)
    this.#watch?.closed(how, reason)
  }

  /** Waits, as long as the connection is open. */
  whileOpen(wait: unknown): Promise<unknown> {
    return Promise.race([this.broken, wait])
  }

  stall(until: PromiseLike<unknown> = new Promise(() => {})): Promise<unknown> {
    const nothing = (): void => {}
    return this.whileOpen(until.then(nothing, nothing))
  }

  sleep(ms: number): Promise<unknown> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, ms)
    return this.whileOpen(promise).finally(() => clearTimeout(timer))
  }

  readonly #onAbort = (): void => this.close('abort', this.#signal?.reason)
}
