import { Disconnect } from '../core/errors.ts'
import type { RunEvent } from '../core/event.ts'
import { encoder, stringify } from '../core/json.ts'
import type { Outcome } from '../core/outcome.ts'
import { follow } from '../core/signal.ts'
import type { RunStream } from '../core/stream.ts'

/** What a Worker's third argument offers; other hosts have their own. */
export interface Context {
  waitUntil(work: Promise<unknown>): void
}

/** Options of {@link toResponse}. */
export interface ResponseOptions {
  /** Its signal tells that the client has left; in Workers that takes the flag `enable_request_signal`. */
  readonly request?: Request
  /** Keeps the Worker alive until the handlers are done. */
  readonly ctx?: Context
  /** Pause after which a comment is sent, so that proxies do not close a silent stream, in ms. Default 15,000; `events` only. */
  readonly heartbeatMs?: number
}

/**
 * A run as a streaming response, one write per wire chunk. `events` (of `chain.events(…)`) are server-sent events, `id: seq`,
 * `event: type`, `data:` the codec's JSON, the last one `event: outcome`; `text` (of `chain.stream(…)`) is the bare text of its chunks.
 *
 * When the client leaves, the run is stopped with `Disconnect` and the provider's body is closed.
 *
 * @example
 * return toResponse(chain.events(input), { request, ctx })
 */
export function toResponse(run: RunStream<RunEvent, unknown>, options?: ResponseOptions & { readonly format?: 'events' }): Response
export function toResponse(run: RunStream<unknown, unknown>, options: ResponseOptions & { readonly format: 'text' }): Response
export function toResponse(
  run: RunStream<unknown, unknown>,
  { format = 'events', request, ctx, heartbeatMs = 15_000 }: ResponseOptions & { readonly format?: 'events' | 'text' } = {},
): Response {
  const unfollow = request ? follow(request.signal, () => run.stop(new Disconnect())) : () => {}
  ctx?.waitUntil(run.flushed)
  const isText = format === 'text'
  const body = isText
    ? bytesOf(run, { write: (batch) => batch.map(textOf).join('') }, unfollow)
    : bytesOf(run as RunStream<RunEvent, unknown>, events(run as RunStream<RunEvent, unknown>, heartbeatMs), unfollow)
  return new Response(body, {
    headers: {
      'content-type': `text/${isText ? 'plain' : 'event-stream'}; charset=utf-8`,
      'cache-control': 'no-cache, no-transform',
      // Compressed, a stream may be held back until it ends: the local Worker does so, whatever cache-control says.
      'content-encoding': 'identity',
    },
  })
}

/** Text, or a Delta of text; what else a run yields has no place in bare text. */
function textOf(chunk: unknown): string {
  if (typeof chunk === 'string') return chunk
  const { type, text } = (chunk ?? {}) as { type?: unknown; text?: unknown }
  return type === 'text' && typeof text === 'string' ? text : ''
}

function events(run: RunStream<RunEvent, unknown>, heartbeatMs: number): Format<RunEvent> {
  const encode = encoder()
  return {
    write: (batch) => batch.map((event) => `id: ${event.seq}\nevent: ${event.type}\ndata: ${encode(event)}\n\n`).join(''),
    last: async () => outcomeFrame(await run.outcome),
    heartbeatMs,
  }
}

/** How the run ended. Its output is left out: it has been said. */
function outcomeFrame({ status, usage, firstTokenMs, durationMs, ...rest }: Outcome<unknown>): string {
  const error = 'error' in rest ? { error: rest.error } : {}
  return `event: outcome\ndata: ${stringify({ status, usage, firstTokenMs, durationMs, ...error })}\n\n`
}

/** How a run becomes text: each batch of it, and its end. */
interface Format<Chunk> {
  write(batch: readonly Chunk[]): string
  /** The end, in which a failure is told too; without it a failure breaks the stream. */
  last?(): Promise<string>
  readonly heartbeatMs?: number
}

/** A run's bytes, a write per batch. `ended` is called once, however it ends. */
function bytesOf<Chunk>(run: RunStream<Chunk, unknown>, format: Format<Chunk>, ended: () => void): ReadableStream<Uint8Array> {
  const utf8 = new TextEncoder()
  const texts = textsOf(run, format)
  let timer: ReturnType<typeof setInterval> | null = null
  const end = (): void => {
    if (timer) clearInterval(timer)
    ended()
  }
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        // Where the client is behind it hears enough.
        const beat = (): void => (Number(controller.desiredSize) < 0 ? undefined : controller.enqueue(utf8.encode(': heartbeat\n\n')))
        if (format.heartbeatMs) timer = setInterval(beat, format.heartbeatMs)
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
function textsOf<Chunk>(run: RunStream<Chunk, unknown>, { write, last }: Format<Chunk>): () => Promise<string | undefined> {
  let isOver = false
  return async () => {
    if (isOver) return undefined
    try {
      const batch = await run.nextBatch()
      if (batch) return write(batch)
    } catch (error) {
      if (!last) throw error
    }
    isOver = true
    return last?.()
  }
}
