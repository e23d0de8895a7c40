import { answerHeaders, bodySteps, type FaultyAnswer } from './faulty-answer.ts'

/** Observes one response. */
export interface ResponseObserver {
  /** Called each time the body is pulled. */
  onPull(): void
  /** Called once, when the connection closes. */
  onClose(how: CloseKind, reason: unknown): void
}

/** How a connection closes: the server ends it by `end` or `error`, the caller by `cancel` of the body or `abort` of the signal. */
export type CloseKind = 'end' | 'error' | 'cancel' | 'abort'

// The null body statuses of the Fetch standard that a Response may have.
const nullBodyStatuses: readonly number[] = [204, 205, 304]

/** Answers one call by its script, pull by pull. Like fetch, an abort rejects the call, and errors the body, with the signal's reason. */
export async function respondFromScript(
  answer: FaultyAnswer,
  signal: AbortSignal | undefined,
  watch?: ResponseObserver,
): Promise<Response> {
  const { status = 200, errorBefore, stallBeforeHeaders, until, deaf } = answer
  const connection = new FakeConnection(deaf ? undefined : signal, watch)
  if (errorBefore) connection.close('error', errorBefore)
  if (stallBeforeHeaders) await connection.stall(until)
  await connection.whileOpen(undefined)
  const isEmpty = nullBodyStatuses.includes(status)
  if (isEmpty) connection.close('end')
  return new Response(isEmpty ? null : scriptedBody(answer, connection, watch), { status, headers: answerHeaders(answer) })
}

function scriptedBody(
  answer: FaultyAnswer,
  connection: FakeConnection,
  watch: ResponseObserver | undefined,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { delayMs = 0, until } = answer
  const steps = bodySteps(answer).values()
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start(controller) {
        connection.broken.catch((reason) => controller.error(reason))
      },
      async pull(controller) {
        watch?.onPull()
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
    // No chunk is buffered: each read is one pull.
    { highWaterMark: 0 },
  )
}

/** A connection that is open until it closes in one of the four ways of {@link CloseKind}. */
class FakeConnection {
  /** Rejects when the connection closes in any way but `end`. */
  readonly broken: Promise<never>
  readonly #rejectBroken: (reason: unknown) => void
  readonly #signal: AbortSignal | undefined
  readonly #observer: ResponseObserver | undefined
  #closed = false

  constructor(signal: AbortSignal | undefined, watch: ResponseObserver | undefined) {
    const { promise, reject } = Promise.withResolvers<never>()
    // Readers of the body get the error. Without a reader it must not be an unhandled rejection.
    promise.catch(() => {})
    this.broken = promise
    this.#rejectBroken = reject
    this.#signal = signal
    this.#observer = watch
    signal?.addEventListener('abort', this.#onAbort)
    if (signal?.aborted) this.#onAbort()
  }

  close(how: CloseKind, reason?: unknown): void {
    if (this.#closed) return
    this.#closed = true
    this.#signal?.removeEventListener('abort', this.#onAbort)
    if (how !== 'end') this.#rejectBroken(reason)
    this.#observer?.onClose(how, reason)
  }

  /** Waits for a promise; rejects if the connection breaks first. */
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
