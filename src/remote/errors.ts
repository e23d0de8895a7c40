import { ChaintapError, type ErrorCode } from '../core/errors.ts'

/** Details of a failed remote call. They never contain request headers. */
export interface RemoteErrorFacts {
  /** HTTP status, if the server refused the call. */
  readonly status?: number | undefined
  /** The pause requested by the server's `Retry-After` header, in ms. */
  readonly retryAfterMs?: number | undefined
  /** The id of the run that may still be in progress and can be resumed. */
  readonly runId?: string | undefined
}

/**
 * The server of a {@link RemoteRunnable} refused a call, could not be reached or sent an unexpected response. Errors of the chain itself
 * are rethrown as instances of their own class instead.
 *
 * | `code` | meaning |
 * |---|---|
 * | `http` | the server refused the call; `status` is the HTTP status |
 * | `network` | the server could not be reached, or sent no data for `idleMs` |
 * | `wire` | the response has no events of a run, e.g. it is an HTML page |
 * | `event_too_large` | the server sent an event of more than 17 million characters |
 * | `connection_lost` | the connection was lost and all reconnect attempts failed; the run `runId` may still be in progress |
 *
 * @example
 * const joke = new RemoteRunnable<string, string>('/api/joke')
 * try {
 *   show(await joke.invoke('bears'))
 * } catch (error) {
 *   if (error instanceof RemoteError && error.code === 'connection_lost') show(`Call joke.resume('${error.runId}').`)
 * }
 */
export class RemoteError extends ChaintapError implements RemoteErrorFacts {
  /** HTTP status, if the server refused the call. */
  readonly status?: number | undefined
  /** The pause requested by the server's `Retry-After` header, in ms. */
  readonly retryAfterMs?: number | undefined
  /** The id of the run that may still be in progress and can be resumed. */
  readonly runId?: string | undefined

  constructor(code: ErrorCode, message: string, { cause, ...facts }: RemoteErrorFacts & { readonly cause?: unknown } = {}) {
    super(code, message, cause === undefined ? undefined : { cause })
    this.name = 'RemoteError'
    Object.assign(this, facts)
  }
}
