import { backoffMs, sleep } from '../core/backoff.ts'
import type { Delta } from '../core/delta.ts'
import { ChaintapError, ModelError } from '../core/errors.ts'
import { Flow } from '../core/flow.ts'
import type { OpenRun } from '../core/run.ts'
import { follow } from '../core/signal.ts'
import type { Read, Source } from '../core/source.ts'
import { messageFold } from '../messages/fold.ts'
import { type Call, decoded, whole } from './answer.ts'
import { type Asked, refusal, unreachable, unreadable } from './failure.ts'
import { redactor, secretsIn, withoutSecrets } from './secrets.ts'
import { sse } from './sse.ts'
import type { WireRequest } from './wire.ts'

/** A way to a provider, ready for one attempt. */
export interface Line {
  /** The address, for messages of errors. */
  readonly where: string
  /** What must not appear in them. */
  readonly secrets: readonly string[]
  post(request: WireRequest, signal: AbortSignal): Promise<Response>
}

/** How requests leave: by `fetch` or by a user's client. Asked anew for each attempt, so that a key may change. */
export type Transport = () => Line | Promise<Line>

/** A line by `fetch`. Later headers win, whatever their case. */
export function fetchLine(
  baseURL: string,
  given: readonly (Readonly<Record<string, string>> | undefined)[],
  fetch: typeof globalThis.fetch | undefined,
): Line {
  const headers = lowered(given)
  return {
    where: withoutSecrets(baseURL),
    secrets: secretsIn(headers),
    post(request, signal) {
      // Called as a plain function: engines refuse a fetch whose `this` is another object.
      const send = fetch ?? globalThis.fetch
      return send(`${baseURL.replace(/\/+$/, '')}${request.path}`, {
        method: 'POST',
        headers: request.headers ? lowered([headers, request.headers]) : headers,
        body: JSON.stringify(request.body),
        signal,
      })
    },
  }
}

function lowered(given: readonly (Readonly<Record<string, string>> | undefined)[]): Record<string, string> {
  return Object.fromEntries(given.flatMap((headers = {}) => Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])))
}

/**
 * Asks a provider and gives its answer as a flow of Deltas.
 *
 * - Until the answer begins, what may pass is tried again: a lost connection and the statuses 408, 409, 429 and 5xx, after the time
 *   that the provider asks for, else with growing pauses. Each attempt is told as a `retry` event.
 * - An abort of the run releases it at once, even where `fetch` ignores its signal; the body is cancelled then, too (P2).
 */
export async function answer(call: Call, transport: Transport, run: OpenRun): Promise<Flow<Delta>> {
  run.announces = call.streaming
  const { asked, response } = await connect(call, transport, run)
  const flow = new Flow<Uint8Array>(read(bodyOf(call, asked, response), asked), messageFold)
  return call.streaming ? flow.through(sse()).through(decoded(call, asked, run)) : flow.through(whole(call, asked))
}

interface Answered {
  readonly asked: Asked
  readonly response: Response
}

async function connect(call: Call, transport: Transport, run: OpenRun): Promise<Answered> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(call, transport, run)
    } catch (error) {
      if (run.phase === 'failed') throw run.error
      const pause = attempt > call.maxRetries ? undefined : pauseAfter(error, attempt)
      if (pause === undefined) throw error
      await run.emit({ type: 'retry', attempt, error })
      await sleep(pause, run.signal)
    }
  }
}

async function once({ wire, request }: Call, transport: Transport, { signal }: OpenRun): Promise<Answered> {
  const line = await race(transport(), signal)
  const asked: Asked = { name: wire.name, where: line.where, redact: redactor(line.secrets) }
  let response: Response
  try {
    response = await race(line.post(request, signal), signal, ({ body }) => void body?.cancel(signal.reason).catch(() => {}))
  } catch (error) {
    throw error instanceof ChaintapError ? error : unreachable(asked, error)
  }
  if (!response.ok) throw await refusal(asked, response, wire.complaint, signal)
  return { asked, response }
}

/** What `work` gives, or the signal's reason as soon as it aborts; what comes after that goes to `late`. */
function race<T>(work: T | PromiseLike<T>, signal: AbortSignal, late: (value: T) => void = () => {}): Promise<T> {
  return new Promise((resolve, reject) => {
    const unfollow = follow(signal, reject)
    Promise.resolve(work)
      .then((value) => {
        if (signal.aborted) late(value)
        resolve(value)
      }, reject)
      .finally(unfollow)
  })
}

/** A provider that asks for more is not waited for: its error says how long. */
const LONGEST_PAUSE = 60_000

/** How long to wait before the next attempt, in ms; undefined where it would fail again. */
function pauseAfter(error: unknown, attempt: number): number | undefined {
  if (error instanceof ChaintapError && error.code === 'network') return backoffMs(attempt)
  const { status = 0, retryAfterMs = backoffMs(attempt) } = error instanceof ModelError ? error : {}
  const mayPass = status === 408 || status === 409 || status === 429 || status >= 500
  return mayPass && retryAfterMs <= LONGEST_PAUSE ? retryAfterMs : undefined
}

function bodyOf({ streaming }: Call, asked: Asked, { body, status, headers }: Response): ReadableStream<Uint8Array> {
  if (!body) throw unreadable(asked, `answered ${status} without a body`)
  const type = headers.get('content-type')
  if (!streaming || type === null || /^text\/event-stream\b/i.test(type)) return body
  void body.cancel().catch(() => {})
  throw unreadable(asked, `was asked for a stream (text/event-stream), but answered ${status} with ${asked.redact(type)}`)
}

/** A body as a source; engines name a lost connection each in its own, short way. */
function read(body: ReadableStream<Uint8Array>, asked: Asked): Source<Uint8Array> {
  const reader = body.getReader()
  const lost = (error: unknown): never => {
    throw unreachable(asked, error, true)
  }
  return {
    next: () => (reader.read() as Promise<Read<Uint8Array>>).then(undefined, lost),
    cancel: (reason) => void reader.cancel(reason).catch(() => {}),
  }
}
