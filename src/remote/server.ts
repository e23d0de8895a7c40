import { ChaintapError } from '../core/errors.ts'
import { backoffMs, sleep } from '../core/util/backoff.ts'
import { errorMessage } from '../core/util/error-message.ts'
import { parseJson } from '../core/util/parse-json.ts'
import { readErrorText } from '../core/util/read-error-text.ts'
import { retryAfterMs } from '../core/util/retry-after.ts'
import { sendWithinOrigin } from '../core/util/same-origin.ts'
import { createRedactor, headerSecrets, redactCause } from '../core/util/secrets.ts'
import { stripUrlSecrets } from '../core/util/strip-url.ts'
import { isTransientStatus } from '../core/util/transient-status.ts'
import { RemoteError } from './errors.ts'

/** Request headers. */
export type RemoteHeaders = Readonly<Record<string, string>>

/** How requests are sent to a server. */
export interface ServerOptions {
  /**
   * Sends the requests, with `redirect: 'manual'`. Redirects within the server's origin are followed; any other, and in a browser every one,
   * fails the call (RemoteError `http`).
   *
   * @defaultValue the global `fetch`, which sends cookies to the page's own origin
   */
  readonly fetch?: (request: Request) => Promise<Response>
  /** Headers of every request, or a function that is called before each one, e.g. for a token that expires. */
  readonly headers?: RemoteHeaders | (() => RemoteHeaders | Promise<RemoteHeaders>)
}

/** One request to a server. */
export interface RemoteRequest {
  /** A path below the server's URL, e.g. `<run id>/stop`. Undefined for the URL itself. */
  readonly path?: string
  readonly method: 'GET' | 'POST'
  readonly headers?: RemoteHeaders
  readonly body?: string
  readonly keepalive?: boolean
}

/** Sends requests to a server. */
export interface RemoteServer {
  /** The server's address without credentials and query, for messages. */
  readonly address: string
  /**
   * Sends a request and resolves to its response, whatever the status. Rejects with a RemoteError if there is no response. If `isCancelled`
   * returns true once the headers are known, nothing is sent.
   */
  send(request: RemoteRequest, signal?: AbortSignal, isCancelled?: () => boolean): Promise<RemoteResponse>
}

/** A response, and what it must not reveal. */
export interface RemoteResponse {
  readonly response: Response
  /** Removes the secrets of the request from a text. */
  redact(text: string): string
}

/** Returns an object whose methods are closures: the headers may contain a token, which must appear in no console and no JSON. */
export function createRemoteServer(url: string | URL, { fetch, headers = {} }: ServerOptions): RemoteServer {
  const given = String(url)
  const [address = '', query = ''] = given.split(/\/*(\?.*)?$/s)
  const publicAddress = stripUrlSecrets(given)
  return {
    address: publicAddress,
    async send({ path, headers: own, ...init }, signal, isCancelled) {
      const custom = typeof headers === 'function' ? await headers() : headers
      if (isCancelled?.()) throw new RemoteError('network', `The call to ${publicAddress} was cancelled before it was sent.`)
      const redact = createRedactor([query, ...headerSecrets({ ...own, ...custom }).map((secret) => secret.replaceAll('"', ''))])
      // Called as a plain function: engines reject a fetch whose `this` is another object.
      const send = fetch ?? globalThis.fetch
      const refuse = (what: string, status?: number): Error => new RemoteError('http', `${publicAddress} ${redact(what)}.`, { status })
      try {
        const all = new Headers({ accept: 'text/event-stream', ...own })
        // One by one: two spellings of a name in one object would be combined into one header with two values.
        for (const [name, value] of Object.entries(custom)) all.set(name, value)
        const target = path === undefined ? given : `${address}/${path}${query}`
        const sent = { ...init, headers: all, redirect: 'manual', ...(signal && { signal }) } as const
        const response = await sendWithinOrigin(target, sent, (to, by) => send(new Request(to, by)), refuse)
        return { response, redact }
      } catch (error) {
        if (error instanceof RemoteError) throw error
        const cause = redactCause(error, redact)
        const message = `Could not reach ${publicAddress}: ${errorMessage(cause)}.`
        throw new RemoteError('network', `${message} Check the network, the URL and, in a page, CORS.`, { cause })
      }
    },
  }
}

/** Returns the body of a response of server-sent events. @throws RemoteError for any other response */
export async function requireEventStream({ response, redact }: RemoteResponse, address: string): Promise<ReadableStream<Uint8Array>> {
  const { status, body, headers } = response
  const type = headers.get('content-type') ?? 'nothing'
  if (response.ok && body && /^text\/event-stream\b/i.test(type)) return body
  const reader = body?.getReader()
  const text = reader && !response.ok ? redact(await readErrorText(() => reader.read())) : ''
  void reader?.cancel().catch(() => {})
  if (!response.ok) {
    const { error } = Object(parseJson(text)) as { error?: unknown }
    const detail = typeof error === 'string' ? error : text.slice(0, 500)
    throw new RemoteError('http', `${address} answered ${status}${detail && `: "${detail}"`}.`, {
      status,
      retryAfterMs: retryAfterMs(headers),
    })
  }
  const message = `${address} answered ${status} with content-type ${redact(type)}; expected text/event-stream.`
  throw new RemoteError('wire', `${message} Check the URL, and that serve() or serveDurable() handles it.`, { status })
}

/** Encodes the body of a call. @throws ChaintapError `invalid_input` if it cannot be encoded as JSON */
export function encodeCallBody(call: { readonly input: unknown; readonly options: object }): string {
  try {
    return JSON.stringify({ ...call, input: call.input ?? null })
  } catch (cause) {
    throw new ChaintapError('invalid_input', `The input or metadata cannot be encoded as JSON: ${(cause as Error).message}.`, { cause })
  }
}

/** Creates the request for the events of a run after the one numbered `after`. */
export const createResumeRequest = (id: string, after: number): RemoteRequest => ({
  path: encodeURIComponent(id),
  method: 'GET',
  ...(after >= 0 && { headers: { 'last-event-id': `${after}` } }),
})

/** Whether repeating the same request later may succeed. */
export function isTransientRemoteError(error: unknown): boolean {
  if (!(error instanceof RemoteError)) return true
  const { code, status = 0 } = error
  return code === 'network' || isTransientStatus(status)
}

/** How long to wait for the response to a stop request, in ms. */
const STOP_REQUEST_TIMEOUT_MS = 5_000

/** Asks the server to stop a run, with up to three attempts. The request outlives the page (`keepalive`). */
export async function stopRun(server: RemoteServer, id: string): Promise<void> {
  // The server requires JSON: pages of other origins cannot send it without a CORS preflight.
  const headers = { 'content-type': 'application/json' }
  const request: RemoteRequest = { path: `${encodeURIComponent(id)}/stop`, method: 'POST', keepalive: true, headers }
  const { signal } = new AbortController()
  for (let attempt = 1; attempt <= 3; attempt++) {
    if (attempt > 1) await sleep(backoffMs(attempt - 1), signal)
    const received = await server.send(request, AbortSignal.timeout(STOP_REQUEST_TIMEOUT_MS)).catch(() => undefined)
    void received?.response.body?.cancel().catch(() => {})
    if (received && !isTransientStatus(received.response.status)) return
  }
}
