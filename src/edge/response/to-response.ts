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
import { createPublicErrorMapper, type ExposeErrors, isSafeToExpose, logFailure } from './public-error.ts'
import { HEARTBEAT_COMMENT } from './sse.ts'
import { createResponseWriter } from './writer.ts'

/** What a Worker's third argument offers; other hosts have their own. */
export interface Context {
  waitUntil(work: Promise<unknown>): void
}

/** Options of {@link toResponse}. */
export interface ResponseOptions {
  /** Its signal tells that the client has left; in Workers that takes the flag `enable_request_signal`. */
  readonly request?: Request
  /** Keeps the Worker alive until the handlers are done; while it lives, a Worker hears of the client's leaving by the answer's body too. */
  readonly ctx?: Context | undefined
  /** Pause after which a comment is sent, so that proxies do not close a silent stream, in ms. Default 15,000; 0 for none. Formats of server-sent events only. */
  readonly heartbeatMs?: number | undefined
  /** Whether the caller reads the messages of errors. Default false: what a message quotes may be meant for nobody else. */
  readonly exposeErrors?: ExposeErrors | undefined
  /** Headers beside those of the format, and over them. */
  readonly headers?: Readonly<Record<string, string>>
  /** Of the `openai` format. */
  readonly openai?: OpenAIFormat
  /** Of the `ag-ui` format. */
  readonly agUi?: AgUiFormat
  /** Of the `ui-message` format: the id of the message that the answer goes on with. Default: a new message, with the id of the root run. */
  readonly messageId?: string | undefined
}

/**
 * A run as a streaming response, one write per wire chunk. {@link ResponseFormat} says how it is written; `events` is the default.
 *
 * When the client leaves, the run is stopped with `Disconnect` and the provider's body is closed. A failure is told in the format's own
 * words, after what was said before it; bare `text` has none, so there it breaks the stream, which a Worker's client sees as a plain end. A failure
 * whose message the caller does not read is told to the console.
 *
 * @example
 * return toResponse(chain.events(input), { request, ctx })
 * @example
 * return toResponse(chain.events({ history }), { request, ctx, format: 'ui-message' }) // for useChat
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

/** The same where a first batch has been read. */
export function toStreamedResponse(
  run: RunStream<unknown, unknown>,
  options: ResponseOptions & { readonly format?: ResponseFormat },
  first?: readonly unknown[],
): Response {
  const { format = 'events', request, ctx, heartbeatMs = 15_000, exposeErrors, openai, agUi, messageId, headers } = options
  const unfollow = request ? listenForAbort(request.signal, () => run.stop(new Disconnect())) : () => {}
  ctx?.waitUntil(run.flushed)
  const bytes = createResponseBody(run, {
    first,
    createWriter: () => createResponseWriter(format, { expose: createPublicErrorMapper(exposeErrors), openai, agUi, messageId }),
    heartbeatMs: isSseFormat(format) ? heartbeatMs : 0,
    onEnd: unfollow,
    onError: exposeErrors ? () => {} : logFailure,
  })
  const isTold = request && workerFlags()?.enable_request_signal
  return new Response(ctx && !isTold ? detectDisconnect(bytes) : bytes, { headers: mergeHeaders(formatHeaders(format), headers) })
}

type ResponseBytes = Uint8Array

interface ResponseBodyOptions {
  readonly first: readonly unknown[] | undefined
  createWriter(): ResponseWriter | Promise<ResponseWriter>
  /** 0 for none. */
  readonly heartbeatMs: number
  /** Called once, however it ends. */
  onEnd(): void
  /** Told why, where the run failed. */
  onError(error: unknown): void
}

/**
 * Without the flag, workerd tells a stream made here nothing of a client that left. What is piped into a stream of its own it cancels,
 * with the next write (the heartbeat is one), as long as something is waited for.
 */
function detectDisconnect(bytes: ReadableStream<ResponseBytes>): ReadableStream<ResponseBytes> {
  const { IdentityTransformStream } = globalThis as {
    IdentityTransformStream?: new () => ReadableWritablePair<ResponseBytes, ResponseBytes>
  }
  return IdentityTransformStream ? bytes.pipeThrough(new IdentityTransformStream()) : bytes
}

/** A run's bytes, a write per batch. */
function createResponseBody(run: RunStream<unknown, unknown>, writing: ResponseBodyOptions): ReadableStream<ResponseBytes> {
  const { heartbeatMs, onEnd } = writing
  const utf8 = new TextEncoder()
  const texts = createTextReader(run, writing)
  let timer: ReturnType<typeof setInterval> | null = null
  const end = (): void => {
    if (timer) clearInterval(timer)
    onEnd()
  }
  return new ReadableStream(
    {
      start(controller) {
        // Where the client is behind it hears enough.
        const beat = (): void => (Number(controller.desiredSize) < 0 ? undefined : controller.enqueue(utf8.encode(HEARTBEAT_COMMENT)))
        if (heartbeatMs > 0) timer = setInterval(beat, Math.min(heartbeatMs, MAX_TIMER_MS))
      },
      async pull(controller) {
        const text = await texts().catch((error: unknown) => {
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

/** The texts of a run one by one, undefined after the last. */
function createTextReader(
  run: RunStream<unknown, unknown>,
  { createWriter, onError, ...writing }: ResponseBodyOptions,
): () => Promise<string | undefined> {
  let { first } = writing
  let writer: ResponseWriter | undefined
  let outcome: Promise<Outcome<unknown>> | undefined
  let isOver = false
  return async () => {
    if (isOver) return undefined
    writer ??= await createWriter()
    // Asked for when a long answer is over, it may be gone; where nobody says it, nothing has to be kept for it.
    if (writer.end) outcome ??= run.outcome
    try {
      let batch = first ?? (await run.nextBatch())
      first = undefined
      for (; batch; batch = await run.nextBatch()) {
        const text = writer.write(batch)
        // A pull that gives nothing is not repeated.
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
