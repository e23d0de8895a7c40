/** What every error of ours carries beside its message: a stable, machine-readable `code`. */
export type ErrorCode =
  | 'handler_failed'
  | 'invalid_options'
  | 'invalid_input'
  | 'invalid_arguments'
  | 'missing_key'
  | 'key_in_browser'
  | 'missing_variable'
  | 'invalid_template'
  | 'invalid_message'
  | 'invalid_json'
  | 'output_parser'
  | 'output_not_kept'
  | 'queue_overflow'
  | 'recursion_limit'
  | 'run_ended'
  | 'stream_taken'
  | 'stream_reused'
  | 'http'
  | 'network'
  | 'wire'
  | 'connection_lost'
  | 'event_too_large'
  | 'truncated'
  | 'model_unavailable'
  | 'model_download'
  | 'context_overflow'
  | 'broken_tree'
  | 'interrupted'
  | 'storage_failed'
  | 'agent_format'
  | 'log_closed'
  | 'log_not_written'
  | 'invalid_log'
  | 'not_in_log'
  | 'ship_refused'
  | 'no_async_context'
  | 'missing_package'

/**
 * The base of the library's errors. `code` says which, `message` what was asked, what came and what to do, `cause` what lies beneath.
 *
 * @example
 * try {
 *   await chain.invoke(input)
 * } catch (error) {
 *   if (error instanceof ChaintapError && error.code === 'missing_variable') askAgain()
 * }
 */
export class ChaintapError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'ChaintapError'
    this.code = code
  }
}

/** The error of options that cannot be used. */
export const invalidOptionsError = (message: string): ChaintapError => new ChaintapError('invalid_options', message)

/** What a provider said when it refused, or failed in the middle of an answer. Never holds a key or a request header. */
export interface ModelErrorFacts {
  /** HTTP status; absent where the error came inside a stream that had begun with 200. */
  readonly status?: number | undefined
  /** The provider's own word for the error, e.g. `overloaded_error`. */
  readonly providerType?: string | undefined
  /** The provider's id of the request, to quote to its support. */
  readonly requestId?: string | undefined
  /** How long the provider asked to wait, in ms. */
  readonly retryAfterMs?: number | undefined
}

/** A provider's refusal or failure. */
export class ModelError extends ChaintapError implements ModelErrorFacts {
  readonly status?: number | undefined
  readonly providerType?: string | undefined
  readonly requestId?: string | undefined
  readonly retryAfterMs?: number | undefined

  constructor(code: ErrorCode, message: string, facts: ModelErrorFacts & { cause?: unknown } = {}) {
    const { cause, ...rest } = facts
    super(code, message, cause === undefined ? undefined : { cause })
    this.name = 'ModelError'
    Object.assign(this, rest)
  }
}

/** The answer's body ended without the provider's own end: what arrived was delivered, the rest is unknown. */
export class TruncatedError extends ChaintapError {
  constructor(
    message = 'The answer ended before the provider said so. What arrived was delivered; ask again, or accept it with onTruncated: "accept".',
  ) {
    super('truncated', message)
    this.name = 'TruncatedError'
  }
}

/** Codes of {@link AbortReason}. */
export type AbortCode = 'aborted' | 'user_stop' | 'disconnect' | 'timeout' | 'budget_exceeded'

/**
 * Why a run was stopped from outside. Its subclasses tell the cases apart; the class itself stands for what the runtime stops by
 * itself, e.g. a child left running when its parent returned.
 */
export class AbortReason extends Error {
  readonly code: AbortCode

  constructor(message: string, code: AbortCode = 'aborted', options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'AbortReason'
    this.code = code
  }
}

/** Somebody pressed stop, or the reader left (`break`, `cancel()`). */
export class UserStop extends AbortReason {
  constructor(message = 'Stopped by the user.') {
    super(message, 'user_stop')
    this.name = 'UserStop'
  }
}

/** The connection to the client was lost. Unlike a stop, it does not end a resumable run. */
export class Disconnect extends AbortReason {
  constructor(message = 'The client has disconnected.') {
    super(message, 'disconnect')
    this.name = 'Disconnect'
  }
}

/** `timeout` has passed. */
export class TimeoutError extends AbortReason {
  /** The limit that passed, in ms. */
  readonly timeoutMs: number | undefined

  constructor(message = 'The run took too long.', timeoutMs?: number) {
    super(message, 'timeout')
    this.name = 'TimeoutError'
    this.timeoutMs = timeoutMs
  }
}

/** A limit on tokens, cost or time was reached. */
export class BudgetExceeded extends AbortReason {
  constructor(message = 'The budget is used up.') {
    super(message, 'budget_exceeded')
    this.name = 'BudgetExceeded'
  }
}

/** The reason of the runs that a stage's `terminate()` makes unnecessary. */
export const terminatedReason = (): AbortReason => new AbortReason('A later step ended the stream (terminate).')

/** The reason where a reader leaves without giving one. */
export const readerLeftReason = (): UserStop => new UserStop('The reader left.')
