import type { Handler, RunEvent, Runnable, RunStream } from 'chaintap'
import { encoder, stringify } from 'chaintap/json'

interface Recorded {
  readonly id: string
  readonly run: RunStream<RunEvent, unknown>
  /** The frames with their seq; the outcome's is infinite. */
  readonly frames: { readonly seq: number; readonly text: string }[]
  isOver: boolean
  more: PromiseWithResolvers<void>
}

/** A request that the server received. */
export interface ReceivedRequest {
  readonly method: string
  readonly path: string
  readonly after: string | null
  readonly headers: Headers
  readonly body: unknown
}

export interface ResumableOptions {
  /** Returns how many bytes of the nth response (from 0) are sent before it is cut off; undefined for all. */
  readonly cut?: (answer: number) => number | undefined
  /** What the client sees of a cut: an end, an error, or silence. */
  readonly how?: 'end' | 'error' | 'silence'
  /** Bytes per chunk. */
  readonly piece?: number
  /** Returns another response, or undefined. */
  readonly refuse?: (request: Request, answer: number) => Response | undefined
  readonly callbacks?: Handler[]
  /** How many known events are repeated after a reconnect. */
  readonly overlap?: number
}

/** Creates a server that stores runs in memory and resumes them like `serveDurable`, for tests of lost connections. */
export function resumableServer(chain: Runnable<never, unknown, unknown>, options: ResumableOptions = {}) {
  const runs = new Map<string, Recorded>()
  const requests: ReceivedRequest[] = []
  const stopped: string[] = []
  let answers = 0
  let open = 0

  const streamOf = (recorded: Recorded, after: number): Response => {
    const limit = options.cut?.(answers++)
    const begin = after - (options.overlap ?? 0)
    let [sent, index] = [0, -1]
    let rest = new Uint8Array()
    open++
    const end = (controller: ReadableStreamDefaultController): void | Promise<void> => {
      if (options.how === 'silence') return new Promise(() => {})
      open--
      if (options.how === 'error') controller.error(new TypeError('network'))
      else controller.close()
    }
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          if (sent === limit) return end(controller)
          while (rest.length === 0) {
            if (index < 0) index = recorded.frames.findIndex(({ seq }) => seq > begin)
            const frame = recorded.frames[index]
            if (frame) {
              rest = new TextEncoder().encode(frame.text)
              index++
            } else if (recorded.isOver) {
              open--
              return controller.close()
            } else await recorded.more.promise
          }
          const size = Math.min(options.piece ?? rest.length, limit === undefined ? rest.length : limit - sent)
          sent += Math.min(size, rest.length)
          controller.enqueue(rest.subarray(0, size))
          rest = rest.subarray(size)
        },
        cancel() {
          open--
        },
      },
      { highWaterMark: 0 },
    )
    return new Response(body, { headers: { 'content-type': 'text/event-stream', 'x-chaintap-run': recorded.id } })
  }

  const start = async (request: Request): Promise<Response> => {
    const { input, options: given } = (await request.clone().json()) as { input: never; options: object }
    const run = chain.events(input, { ...given, callbacks: options.callbacks ?? [] })
    const recorded: Recorded = { id: run.run.id, run, frames: [], isOver: false, more: Promise.withResolvers() }
    runs.set(recorded.id, recorded)
    void record(recorded)
    return streamOf(recorded, -1)
  }

  const fetch = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url)
    const [, , id = '', action] = pathname.split('/')
    const body = request.method === 'POST' && !id ? await request.clone().json() : undefined
    requests.push({ method: request.method, path: pathname, after: request.headers.get('last-event-id'), headers: request.headers, body })
    const refusal = options.refuse?.(request, answers)
    if (refusal) {
      answers++
      return refusal
    }
    if (!id) return start(request)
    const recorded = runs.get(id)
    if (!recorded) return Response.json({ error: 'There is no run of this id.' }, { status: 404 })
    if (action !== 'stop') return streamOf(recorded, Number(request.headers.get('last-event-id') ?? -1))
    stopped.push(id)
    recorded.run.stop()
    return Response.json({ status: 'aborted' })
  }
  return { fetch, requests, stopped, open: () => open, ids: () => [...runs.keys()] }
}

async function record(recorded: Recorded): Promise<void> {
  const encode = encoder()
  const add = (seq: number, text: string): void => {
    recorded.frames.push({ seq, text })
    recorded.more.resolve()
    recorded.more = Promise.withResolvers()
  }
  try {
    for (let batch = await recorded.run.nextBatch(); batch; batch = await recorded.run.nextBatch()) {
      for (const event of batch) add(event.seq, `id: ${event.seq}\nevent: ${event.type}\ndata: ${encode(event)}\n\n`)
    }
  } catch {
    // The outcome contains the error.
  }
  const { status, usage, firstTokenMs, durationMs, ...rest } = await recorded.run.outcome
  const error = 'error' in rest ? { error: rest.error } : {}
  recorded.isOver = true
  add(Number.POSITIVE_INFINITY, `event: outcome\ndata: ${stringify({ status, usage, firstTokenMs, durationMs, ...error })}\n\n`)
}
