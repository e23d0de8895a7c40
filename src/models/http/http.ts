import type { Delta } from '../../core/delta.ts'
import { ChaintapError, type ModelError } from '../../core/errors.ts'
import { Flow } from '../../core/flow/flow.ts'
import { late } from '../../core/flow/lazy-source.ts'
import type { Source } from '../../core/flow/source.ts'
import { note } from '../../core/run/instrument.ts'
import type { OpenRun } from '../../core/run/run.ts'
import { backoffMs, sleep } from '../../core/util/backoff.ts'
import { parseJson } from '../../core/util/parse-json.ts'
import { messageFold } from '../../messages/fold.ts'
import type { Wire, WireRequest } from '../wire.ts'
import { decoded } from './decode.ts'
import type { Refusal } from './error-response.ts'
import { modelError, unreachable, unreadable } from './errors.ts'
import { sse, whole } from './sse.ts'

/** A way to a provider, ready for one attempt. */
export interface Line {
  /** The provider's name, for messages of errors. */
  readonly name: string
  /** Its address, without secrets. */
  readonly where: string
  /** What to check where an answer is none. Default: `baseURL`. */
  readonly check?: string
  /** Takes out of a text what must not be told. */
  redact(text: string): string
  post(request: WireRequest, signal: AbortSignal): Promise<Response>
}

/** What to do with an answer that ends without the provider's own end. */
export type OnTruncated = 'error' | 'accept'

/** How a model reaches its provider. One object for a model and its copies. */
export interface Connection {
  /** How requests leave: by `fetch` or by a user's client. Asked anew for each attempt, so that a key may change. */
  readonly transport: () => Line | Promise<Line>
  readonly maxRetries: number
  readonly onTruncated: OnTruncated
  /** Asks for a stream where nobody reads one, too. */
  readonly streaming: boolean
  /** Whether to ask again at once after this refusal, because the next request will be another one. */
  relents?(error: unknown, refused: WireRequest): boolean
}

/** A model, as far as its answers need it. */
export interface Asking<Options, At extends Connection> {
  /** What each call asks for. */
  readonly options: Options
  readonly connection: At
}

/** One call of a model. */
export interface Call extends Connection {
  readonly wire: Wire<never, never, never>
}

/**
 * Gives the answer of a provider as a flow of Deltas. It is asked for when the flow is first read: the links after it are ready then,
 * and the first token does not wait for them.
 *
 * - Until the answer begins, what may pass is tried again: a lost connection and the statuses 408, 409, 429 and 5xx, after the time
 *   that the provider asks for, else with growing pauses. What the connection relents from is asked for no more, at once. Each attempt
 *   is told as a `retry` event.
 * - However the run ends, the body is closed with it, even where `fetch` ignores its signal and answers late (P2).
 */
export function answer<Options, Input, At extends Connection>(
  { options, connection }: Asking<Options, At>,
  wire: Wire<Options, Input, At>,
  input: Input,
  run: OpenRun,
): Flow<Delta> {
  const streaming = run.scope.streaming || connection.streaming
  const call: Call = { ...connection, wire, streaming }
  run.announces = streaming
  let line: Line | undefined
  const asked = late(async () => {
    for (let attempt = 1, left = connection.maxRetries; ; attempt++) {
      const request = wire.request(input, options, streaming, connection)
      try {
        line = await connection.transport()
        note(run, { url: line.where })
        return await ask(call, line, request, run)
      } catch (error) {
        const pause = connection.relents?.(error, request) ? 0 : left-- > 0 ? pauseAfter(error, attempt) : undefined
        if (pause === undefined) throw error
        await run.emit({ type: 'retry', attempt, error })
        if (pause > 0) await sleep(pause, run.signal)
      }
    }
  })
  return new Flow<Uint8Array>(asked, messageFold).through(streaming ? sse() : whole()).through(decoded(call, () => line as Line, run))
}

/** One attempt, as far as the body of an answer. */
async function ask({ wire, streaming }: Call, line: Line, request: WireRequest, run: OpenRun): Promise<Source<Uint8Array>> {
  const { signal } = run
  signal.throwIfAborted()
  let response: Response
  try {
    response = await line.post(request, signal)
  } catch (error) {
    throw error instanceof ChaintapError ? error : unreachable(line, error)
  }
  const body = bodyOf(response, line)
  run.own((failure) => failure && body.cancel(failure.reason))
  if (!response.ok) {
    const error = await refused(line, response, body, wire)
    body.cancel(error)
    throw error
  }
  const type = response.headers.get('content-type')
  if (streaming && type && !/^text\/event-stream\b/i.test(type)) {
    throw unreadable(line, `was asked for a stream (text/event-stream), but answered ${response.status} with ${line.redact(type)}`)
  }
  return body
}

/** A refusal as an error. What reads it is loaded when it is needed; where it cannot be, as in a page deployed anew, the status is told. */
async function refused(line: Line, response: Response, body: Source<Uint8Array>, wire: Call['wire']): Promise<ModelError> {
  const { status } = response
  const reading = import('./error-response.ts').then(({ refusal }) => refusal(response, body))
  const { text = '', hint = '', requestId, retryAfterMs }: Partial<Refusal> = await reading.catch(() => ({}))
  const complaint = wire.complaint(parseJson(text)) ?? { message: text }
  const facts = { status, retryAfterMs: retryAfterMs ?? complaint.retryAfterMs }
  return modelError(line, { ...complaint, requestId: requestId ?? complaint.requestId }, `answered ${status}`, hint, facts)
}

/** A provider that asks for more is not waited for: its error says how long. */
const LONGEST_PAUSE = 60_000

/** How long to wait before the next attempt, in ms; undefined where it would fail again. */
function pauseAfter(error: unknown, attempt: number): number | undefined {
  const { code, status = 0, retryAfterMs = backoffMs(attempt) } = Object(error) as Partial<ModelError>
  const mayPass = code === 'network' || [408, 409, 429].includes(status) || status >= 500
  return mayPass && retryAfterMs <= LONGEST_PAUSE ? retryAfterMs : undefined
}

/** A body as a source; engines name a lost connection each in its own, short way. */
function bodyOf({ body }: Response, line: Line): Source<Uint8Array> {
  const reader = body?.getReader()
  return {
    next: () => (reader ? reader.read() : { done: true }),
    cancel: (reason) => void reader?.cancel(reason).catch(() => {}),
    explain: (error) => unreachable(line, error, true),
  }
}
