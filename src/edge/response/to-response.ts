import { Disconnect } from '../../core/errors.ts'
import type { RunEvent } from '../../core/event.ts'
import type { Outcome } from '../../core/outcome.ts'
import type { RunStream } from '../../core/run/run-stream.ts'
import { listenForAbort, MAX_TIMER_MS } from '../../core/util/signal.ts'
import { workerFlags } from '../worker-flags.ts'
import {
  type AgUiFormat,
  formatHeaders,
  isSseFormat,
  mergeHeaders,
  type OpenAIFormat,
  type ResponseFormat,
  type ResponseWriter,
} from './format.ts'
import { MessageMask } from './message-mask.ts'
import { type ExposeErrors, isSafeToExpose, logFailure } from './public-error.ts'
import { HEARTBEAT_COMMENT } from './sse.ts'
import { createResponseWriter } from './writer.ts'

/** The part of a Worker's `ExecutionContext` that is used; other hosts have their own. */
export interface Context {
  /** Keeps the Worker alive until `work` settles. */
  waitUntil(work: Promise<unknown>): void
}

/** Options of {@link toResponse}. */
export interface ResponseOptions {
  /**
   * The request that is answered. When its `signal` aborts, because the client has left, the run is stopped. In Workers the signal requires
   * the compatibility flag `enable_request_signal`.
   */
  readonly request?: Request
  /**
   * Keeps the Worker alive until the handlers are done. It also lets a Worker detect through the response body that the client has left.
   */
  readonly ctx?: Context | undefined
  /**
   * Interval of the comments that keep proxies from closing a silent stream, in ms. 0 for none. Used by the formats of server-sent events.
   *
   * @defaultValue 15,000
   */
  readonly heartbeatMs?: number | undefined
  /**
   * Whether the caller receives error messages, which may quote confidential data.
   *
   * @defaultValue false
   */
  readonly exposeErrors?: ExposeErrors | undefined
  /** Additional headers. They replace those of the format. */
  readonly headers?: Readonly<Record<string, string>>
  /** Options of the `openai` format. */
  readonly openai?: OpenAIFormat
  /** Options of the `ag-ui` format. */
  readonly agUi?: AgUiFormat
  /**
   * Used by the `ui-message` format: the id of the message that the response continues.
   *
   * @defaultValue the id of the root run, which begins a new message
   */
  readonly messageId?: string | undefined
}

/**
 * Streams a run as a Response, with one write per chunk of the provider's response. The default {@link ResponseFormat} is `events`.
 *
 * When the client leaves, the run is stopped with `Disconnect` and the provider's response body is closed. An error is written in the
 * format's own way after the output before it. `text` cannot represent an error, so it breaks the stream, which the client of a Worker sees as a
 * normal end. Errors whose messages the caller does not receive are logged to the console.
 *
 * @example
 * const handler = async (request: Request, _env: unknown, ctx: Context) => toResponse(chain.events(await request.text()), { request, ctx })
 * @example
 * const forUseChat = (question: string) => toResponse(model.events(question), { format: 'ui-message' })
 */
export function toResponse(run: RunStream<RunEvent, unknown>, options?: ResponseOptions & { readonly format?: ResponseFormat }): Response
export function toResponse(
  run: RunStream<unknown, unknown>,
  options: ResponseOptions & { readonly format: Exclude<ResponseFormat, 'events'> },
): Response
export function toResponse(
  run: RunStream<unknown, unknown>,
  options: ResponseOptions & { readonly format?: ResponseFormat } = {},
): Response {
  return toStreamedResponse(run, options)
}

/** Like {@link toResponse}, for a run whose first batch may have been read. */
export function toStreamedResponse(
  run: RunStream<unknown, unknown>,
  options: ResponseOptions & { readonly format?: ResponseFormat; readonly mask?: MessageMask },
  first?: readonly unknown[],
): Response {
  const { format = 'events', request, ctx, heartbeatMs = 15_000, exposeErrors, openai, agUi, messageId, headers } = options
  const { mask = new MessageMask(exposeErrors) } = options
  const unfollow = request ? listenForAbort(request.signal, () => run.stop(new Disconnect())) : () => {}
  ctx?.waitUntil(run.flushed)
  const bytes = createResponseBody(run, {
    first,
    mask,
    createWriter: () => createResponseWriter(format, { expose: mask.expose, openai, agUi, messageId }),
    heartbeatMs: isSseFormat(format) ? heartbeatMs : 0,
    onEnd: unfollow,
    onError: exposeErrors ? () => {} : logFailure,
  })
  const hasSignal = request && workerFlags()?.enable_request_signal
  return new Response(ctx && !hasSignal ? detectDisconnect(bytes) : bytes, { headers: mergeHeaders(formatHeaders(format), headers) })
}

type ResponseBytes = Uint8Array

interface ResponseBodyOptions {
  readonly first: readonly unknown[] | undefined
  readonly mask: MessageMask
  createWriter(): ResponseWriter | Promise<ResponseWriter>
  /** In ms; 0 for none. */
  readonly heartbeatMs: number
  /** Called once when the response ends for any reason. */
  onEnd(): void
  /** Called with the error of a run that failed. */
  onError(error: unknown): void
}

/**
 * Without the flag, workerd does not cancel a JavaScript stream when the client leaves. It does cancel what is piped into its own
 * IdentityTransformStream, at the next write (a heartbeat is one), as long as `waitUntil` is pending.
 */
function detectDisconnect(bytes: ReadableStream<ResponseBytes>): ReadableStream<ResponseBytes> {
  const { IdentityTransformStream } = globalThis as {
    IdentityTransformStream?: new () => ReadableWritablePair<ResponseBytes, ResponseBytes>
  }
  return IdentityTransformStream ? bytes.pipeThrough(new IdentityTransformStream()) : bytes
}

/** Creates the stream of a run's bytes, with one chunk per batch. */
function createResponseBody(run: RunStream<unknown, unknown>, options: ResponseBodyOptions): ReadableStream<ResponseBytes> {
  const { heartbeatMs, onEnd } = options
  const utf8 = new TextEncoder()
  const readText = createTextReader(run, options)
  let timer: ReturnType<typeof setInterval> | null = null
  const end = (): void => {
    if (timer) clearInterval(timer)
    onEnd()
  }
  return new ReadableStream(
    {
      start(controller) {
        // A client that lags behind has data to read and needs no heartbeat.
        const sendHeartbeat = (): void =>
          Number(controller.desiredSize) < 0 ? undefined : controller.enqueue(utf8.encode(HEARTBEAT_COMMENT))
        if (heartbeatMs > 0) timer = setInterval(sendHeartbeat, Math.min(heartbeatMs, MAX_TIMER_MS))
      },
      async pull(controller) {
        const text = await readText().catch((error: unknown) => {
          end()
          throw error
        })
        if (text !== undefined) return controller.enqueue(utf8.encode(text))
        end()
        controller.close()
      },
      cancel() {
        end()
        run.stop(new Disconnect())
      },
    },
    { highWaterMark: 0 },
  )
}

/** Returns a function that reads the next text of a run; it resolves to undefined after the last. */
function createTextReader(
  run: RunStream<unknown, unknown>,
  { createWriter, mask, onError, ...options }: ResponseBodyOptions,
): () => Promise<string | undefined> {
  let { first } = options
  let writer: ResponseWriter | undefined
  let outcome: Promise<Outcome<unknown>> | undefined
  let isOver = false
  return async () => {
    if (isOver) return undefined
    writer ??= await createWriter()
    // Accessed before reading, so that a long output is retained for it. Not accessed if the writer ignores it, to save that memory.
    if (writer.end) outcome ??= run.outcome
    try {
      let batch = first ?? (await run.nextBatch())
      first = undefined
      for (; batch; batch = await run.nextBatch()) {
        const text = writer.write(mask.apply(batch))
        // A pull() that enqueues nothing is not called again, so read on until there is text.
        if (text !== '') return text
      }
    } catch (error) {
      if (!isSafeToExpose(error)) onError(error)
      if (!writer.end) throw error
    }
    isOver = true
    return outcome && writer.end?.(await outcome)
  }
}
