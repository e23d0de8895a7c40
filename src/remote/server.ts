import { ChaintapError } from '../core/errors.ts'
import { backoffMs, sleep } from '../core/util/backoff.ts'
import { errorMessage } from '../core/util/error-message.ts'
import { parseJson } from '../core/util/parse-json.ts'
import { retryAfterMs } from '../core/util/retry-after.ts'
import { createRedactor, headerSecrets, redactCause, stripUrlSecrets } from '../core/util/secrets.ts'
import { isTransientStatus } from '../core/util/transient-status.ts'
import { RemoteError } from './errors.ts'

/** Headers of requests. */
export type RemoteHeaders = Readonly<Record<string, string>>

/** How a server is reached. */
export interface ServerOptions {
  /** Sends the requests. Default: the platform's, which sends cookies to the page's own origin. */
  readonly fetch?: (request: Request) => Promise<Response>
  /** Headers of every request, or a function that gives them, asked before each: tokens expire. */
  readonly headers?: RemoteHeaders | (() => RemoteHeaders | Promise<RemoteHeaders>)
}

/** What one request is. */
export interface RemoteRequest {
  /** A run, and what of it; without it the url itself. */
  readonly path?: string
  readonly method: 'GET' | 'POST'
  readonly headers?: RemoteHeaders
  readonly body?: string
  readonly keepalive?: boolean
}

/** A server: sends one request, and gives its answer whatever its status. Rejects with a RemoteError where there is none. */
export interface RemoteServer {
  /** Its address, without secrets. */
  readonly address: string
  /** `isLeft` is asked when the headers are there: what nobody waits for any more is not sent. */
  send(ask: RemoteRequest, signal?: AbortSignal, isLeft?: () => boolean): Promise<RemoteResponse>
}

export interface RemoteResponse {
  readonly response: Response
  /** Takes out of a text what must not be told. */
  redact(text: string): string
}

/** Held as a closure, which no console and no JSON shows: headers may hold a token. */
export function createRemoteServer(url: string | URL, { fetch, headers = {} }: ServerOptions): RemoteServer {
  const given = String(url)
  const [address = '', query = ''] = given.split(/\/*(\?.*)?$/s)
  const where = stripUrlSecrets(given)
  return {
    address: where,
    async send({ path, headers: own, ...init }, signal, isLeft) {
      const theirs = typeof headers === 'function' ? await headers() : headers
      if (isLeft?.()) throw new RemoteError('network', `Nobody waits for ${where} any more.`)
      const redact = createRedactor([query, ...headerSecrets({ ...own, ...theirs }).map((secret) => secret.replaceAll('"', ''))])
      // Called as a plain function: engines refuse a fetch whose `this` is another object.
      const send = fetch ?? globalThis.fetch
      try {
        const all = new Headers({ accept: 'text/event-stream', ...own })
        // One by one: two spellings of a name in one object would be sent as two values.
        for (const [name, value] of Object.entries(theirs)) all.set(name, value)
        const target = path === undefined ? given : `${address}/${path}${query}`
        return { response: await send(new Request(target, { ...init, headers: all, ...(signal && { signal }) })), redact }
      } catch (error) {
        const cause = redactCause(error, redact)
        const said = errorMessage(cause)
        throw new RemoteError('network', `Could not reach ${where}: ${said}. Check the network, the url and, in a page, CORS.`, { cause })
      }
    },
  }
}

/** The body of an answer of events. @throws RemoteError where it is something else */
export async function requireEventStream({ response, redact }: RemoteResponse, where: string): Promise<ReadableStream<Uint8Array>> {
  const { status, body, headers } = response
  const type = headers.get('content-type') ?? 'nothing'
  if (response.ok && body && /^text\/event-stream\b/i.test(type)) return body
  const text = redact(await readErrorBody(body))
  if (!response.ok) {
    const { error } = Object(parseJson(text)) as { error?: unknown }
    const said = typeof error === 'string' ? error : text.slice(0, 500)
    throw new RemoteError('http', `${where} answered ${status}${said && `: "${said}"`}.`, { status, retryAfterMs: retryAfterMs(headers) })
  }
  const what = `${where} answered ${status} with ${redact(type)}, not with a run's events (text/event-stream)`
  throw new RemoteError('wire', `${what}. Check the url, and that serve() or serveDurable() answers there.`, { status })
}

/** Enough for any complaint. */
const MAX_ERROR_BODY_CHARACTERS = 16_384

/** The beginning of a body as text. One that breaks off has said what it said. */
async function readErrorBody(body: ReadableStream<Uint8Array> | null): Promise<string> {
  const reader = body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  try {
    for (let read = await reader?.read(); read?.value && text.length < MAX_ERROR_BODY_CHARACTERS; read = await reader?.read()) {
      text += decoder.decode(read.value, { stream: true })
    }
  } catch {
    // The status is what matters.
  }
  void reader?.cancel().catch(() => {})
  return text
}

/** A call's body. @throws ChaintapError `invalid_input` where it cannot be written as JSON */
export function encodeCallBody(call: { readonly input: unknown; readonly options: object }): string {
  try {
    return JSON.stringify({ ...call, input: call.input ?? null })
  } catch (cause) {
    throw new ChaintapError('invalid_input', `The input, or the metadata, cannot be sent as JSON: ${(cause as Error).message}.`, { cause })
  }
}

/** The request for what comes after an event. */
export const createResumeRequest = (id: string, after: number): RemoteRequest => ({
  path: encodeURIComponent(id),
  method: 'GET',
  ...(after >= 0 && { headers: { 'last-event-id': `${after}` } }),
})

/** Whether the same request may be answered better later. */
export function isTransientRemoteError(error: unknown): boolean {
  if (!(error instanceof RemoteError)) return true
  const { code, status = 0 } = error
  return code === 'network' || isTransientStatus(status)
}

/** How long a server may take to stop a run, in ms. */
const STOP_REQUEST_TIMEOUT_MS = 5_000

/** Tells the server to end a run, up to three times where it cannot be reached. A page that is being left sends it all the same. */
export async function stopRun(server: RemoteServer, id: string): Promise<void> {
  const ask: RemoteRequest = { path: `${encodeURIComponent(id)}/stop`, method: 'POST', keepalive: true }
  const { signal } = new AbortController()
  for (let attempt = 1; attempt <= 3; attempt++) {
    if (attempt > 1) await sleep(backoffMs(attempt - 1), signal)
    const answer = await server.send(ask, AbortSignal.timeout(STOP_REQUEST_TIMEOUT_MS)).catch(() => undefined)
    void answer?.response.body?.cancel().catch(() => {})
    if (answer && answer.response.status < 500) return
  }
}
