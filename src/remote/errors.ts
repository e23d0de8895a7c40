import { ChaintapError, type ErrorCode } from '../core/errors.ts'

/** What is known of a failed call. Never holds a request header. */
export interface RemoteErrorFacts {
  /** HTTP status, where the server refused. */
  readonly status?: number | undefined
  /** How long the server asked to wait, in ms. */
  readonly retryAfterMs?: number | undefined
  /** The run that may be resumed. */
  readonly runId?: string | undefined
}

/**
 * The server of a {@link RemoteRunnable} refused, could not be reached, or answers something else. What fails in its chain comes as the error it
 * was there.
 *
 * | code | |
 * |---|---|
 * | `http` | it refused, with `status` |
 * | `network` | it could not be reached |
 * | `wire` | it answered with something else than events, e.g. with a page |
 * | `connection_lost` | the answer was cut, and could not be resumed; the run `runId` may be going on |
 */
export class RemoteError extends ChaintapError implements RemoteErrorFacts {
  readonly status?: number | undefined
  readonly retryAfterMs?: number | undefined
  readonly runId?: string | undefined

  constructor(code: ErrorCode, message: string, { cause, ...facts }: RemoteErrorFacts & { readonly cause?: unknown } = {}) {
    super(code, message, cause === undefined ? undefined : { cause })
    this.name = 'RemoteError'
    Object.assign(this, facts)
  }
}
