import { AbortReason, ChaintapError, ModelError, TimeoutError, TruncatedError } from '../../core/errors.ts'
import type { RunEvent } from '../../core/event.ts'
import type { Outcome } from '../../core/outcome.ts'

/**
 * Which error messages callers receive: `true` sends all of them, `false` (the default) only those that reveal nothing about the server,
 * and a function returns the message to send.
 */
export type ExposeErrors = boolean | ((error: unknown) => string)

/** Maps an error to the one that the caller receives. */
export type PublicErrorMapper = (error: unknown) => unknown

export const GENERIC_ERROR_MESSAGE = 'Something went wrong on the server.'

/**
 * Creates the mapping from errors to what callers receive. Callers may be anonymous, and error messages quote providers, databases and
 * templates, so only stop reasons and truncation keep their messages. An error's class and code, and the status and numbers of a
 * ModelError, are always sent.
 */
export function createPublicErrorMapper(expose: ExposeErrors = false): PublicErrorMapper {
  if (expose === true) return (error) => error
  if (!expose) return (error) => (isSafeToExpose(error) ? error : maskError(error))
  // One error may fail many runs: the function is called once for it.
  const mapped = new Map<unknown, Error>()
  return (error) => {
    const publicError = mapped.get(error) ?? maskError(error, customErrorMessage(error, expose))
    mapped.set(error, publicError)
    return publicError
  }
}

/** Returns the message chosen by the server; undefined if its function throws, in which case both errors are logged. */
function customErrorMessage(error: unknown, toMessage: (error: unknown) => string): string | undefined {
  try {
    return toMessage(error)
  } catch (failure) {
    logFailure(failure)
    logFailure(error)
    return undefined
  }
}

/** Whether an error says only why the response ended. A TruncatedError with another message may name an internal server. */
export const isSafeToExpose = (error: unknown): boolean =>
  error instanceof TruncatedError
    ? error.message === new TruncatedError().message
    : error instanceof AbortReason && error.cause === undefined

function maskError(error: unknown, message?: string): Error {
  if (error instanceof ModelError) {
    const { code, status, providerType, requestId, retryAfterMs, isRetryable } = error
    return new ModelError(code, message ?? 'The model could not answer.', { status, providerType, requestId, retryAfterMs, isRetryable })
  }
  if (error instanceof TruncatedError) return new TruncatedError(message)
  return error instanceof ChaintapError
    ? new ChaintapError(error.code, message ?? GENERIC_ERROR_MESSAGE)
    : new Error(message ?? GENERIC_ERROR_MESSAGE)
}

/** Returns the HTTP status for an error before the response began. 503 if the provider is busy (429, 503, Anthropic's 529). */
export function httpStatusForError(error: unknown): number {
  if (error instanceof TimeoutError) return 504
  if (!(error instanceof ModelError)) return 500
  return [429, 503, 529].includes(error.status ?? 0) ? 503 : 502
}

/** Maps the error of an event, if it has one. */
export const publicEvent = (event: RunEvent, expose: PublicErrorMapper): RunEvent =>
  event.type === 'error' || event.type === 'retry' ? { ...event, error: expose(event.error) } : event

/** Maps the error of an outcome, if it has one. */
export const publicOutcome = (outcome: Outcome<unknown>, expose: PublicErrorMapper): Outcome<unknown> =>
  'error' in outcome ? { ...outcome, error: expose(outcome.error) } : outcome

/** Logs an error whose message the caller does not receive. */
export function logFailure(error: unknown): void {
  // biome-ignore lint/suspicious/noConsole: the server's console is the only place for it
  console.error(error)
}
