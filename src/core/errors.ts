/** The machine-readable codes of {@link ChaintapError}. They are stable. */
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
 * The base class of the library's errors. `message` says what failed, what was expected and what to do; `cause` is the underlying error.
 *
 * @example
 * try {
 *   await chain.invoke('Hello')
 * } catch (error) {
 *   if (error instanceof ChaintapError && error.code === 'missing_variable') show('Please fill in all fields.')
 * }
 */
export class ChaintapError extends Error {
  /** The kind of the error. */
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'ChaintapError'
    this.code = code
  }
}

/** Creates the error for invalid options. */
export const invalidOptionsError = (message: string): ChaintapError => new ChaintapError('invalid_options', message)

/** Facts about a provider's error. They never contain a key or a request header. */
export interface ModelErrorFacts {
  /** The HTTP status; absent if the error came within a stream that had started with status 200. */
  readonly status?: number | undefined
  /** The provider's type of the error, e.g. `overloaded_error`. */
  readonly providerType?: string | undefined
  /** The provider's id of the request, for its support. */
  readonly requestId?: string | undefined
  /** The pause that the provider requests before a retry, in ms. */
  readonly retryAfterMs?: number | undefined
  /** Whether a retry can help, if the provider says so: by the header `x-should-retry`, or by a quota that is used up. */
  readonly isRetryable?: boolean | undefined
}

/**
 * A provider refused a request, or failed while it responded.
 *
 * @example
 * const isOverloaded = (error: unknown) => error instanceof ModelError && error.status === 529
 */
export class ModelError extends ChaintapError implements ModelErrorFacts {
  /** The HTTP status; absent if the error came within a stream that had started with status 200. */
  readonly status?: number | undefined
  /** The provider's type of the error, e.g. `overloaded_error`. */
  readonly providerType?: string | undefined
  /** The provider's id of the request, for its support. */
  readonly requestId?: string | undefined
  /** The pause that the provider requests before a retry, in ms. */
  readonly retryAfterMs?: number | undefined
  /** Whether a retry can help, if the provider says so: by the header `x-should-retry`, or by a quota that is used up. */
  readonly isRetryable?: boolean | undefined

  constructor(code: ErrorCode, message: string, facts: ModelErrorFacts & { cause?: unknown } = {}) {
    const { cause, ...rest } = facts
    super(code, message, cause === undefined ? undefined : { cause })
    this.name = 'ModelError'
    Object.assign(this, rest)
  }
}

/**
 * The response body ended without the provider's end marker. The part that arrived was delivered; the rest is unknown.
 *
 * @example
 * const isCut = (error: unknown) => error instanceof TruncatedError
 */
export class TruncatedError extends ChaintapError {
  constructor(
    message = 'The response ended without the provider\'s end marker. Retry, or accept the part that arrived with onTruncated: "accept".',
  ) {
    super('truncated', message)
    this.name = 'TruncatedError'
  }
}

/** The codes of {@link AbortReason}. */
export type AbortCode = 'aborted' | 'user_stop' | 'disconnect' | 'timeout' | 'budget_exceeded'

/**
 * Why a run was stopped from outside. The subclasses are the common reasons; the class itself stands for abort signals with a string
 * reason and for runs that the library stops, e.g. a child that is still running when its parent returns.
 *
 * @example
 * const isStopError = (error: unknown) => error instanceof AbortReason
 */
export class AbortReason extends Error {
  /** The kind of the reason. */
  readonly code: AbortCode

  constructor(message: string, code: AbortCode = 'aborted', options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'AbortReason'
    this.code = code
  }
}

/**
 * The user stopped the run, or the reader stopped reading (`break`, `cancel()`).
 *
 * @example
 * const run = model.stream('Hello')
 * run.stop(new UserStop())
 */
export class UserStop extends AbortReason {
  constructor(message = 'Stopped by the user.') {
    super(message, 'user_stop')
    this.name = 'UserStop'
  }
}

/**
 * The connection to the client was lost. Unlike {@link UserStop}, it does not end a durable run.
 *
 * @example
 * const isDisconnect = (error: unknown) => error instanceof Disconnect
 */
export class Disconnect extends AbortReason {
  constructor(message = 'The client disconnected.') {
    super(message, 'disconnect')
    this.name = 'Disconnect'
  }
}

/**
 * The run exceeded its `timeout`.
 *
 * @example
 * const isSlow = (error: unknown) => error instanceof TimeoutError
 */
export class TimeoutError extends AbortReason {
  /** The exceeded limit, in ms. */
  readonly timeoutMs: number | undefined

  constructor(message = 'The run exceeded its timeout.', timeoutMs?: number) {
    super(message, 'timeout')
    this.name = 'TimeoutError'
    this.timeoutMs = timeoutMs
  }
}

/**
 * A budget of tokens, cost or time is exhausted.
 *
 * @example
 * const isOverBudget = (error: unknown) => error instanceof BudgetExceeded
 */
export class BudgetExceeded extends AbortReason {
  constructor(message = 'The budget is exhausted.') {
    super(message, 'budget_exceeded')
    this.name = 'BudgetExceeded'
  }
}

/** Creates the abort reason for a reader that stops without a reason. */
export const readerLeftReason = (): UserStop => new UserStop('The reader stopped reading.')
