import { AbortReason, ChaintapError, ModelError, TimeoutError, TruncatedError } from '../../core/errors.ts'
import type { RunEvent } from '../../core/event.ts'
import type { Outcome } from '../../core/outcome.ts'

/** Whether callers read the messages of errors: all of them, those that are fit for anybody (false, the default), or what the function says. */
export type ExposeErrors = boolean | ((error: unknown) => string)

/** Makes of an error what a caller is told. */
export type PublicErrorMapper = (error: unknown) => unknown

export const GENERIC_ERROR_MESSAGE = 'Something went wrong on the server.'

/**
 * What callers are told of errors. A caller may be anybody, and messages of errors quote what providers, databases and templates say: so
 * only the reasons of stops and truncation keep theirs. Class, code and what a provider's refusal says in figures stay.
 */
export function createPublicErrorMapper(how: ExposeErrors = false): PublicErrorMapper {
  if (how === true) return (error) => error
  if (!how) return (error) => (isSafeToExpose(error) ? error : maskError(error))
  // One error ends many runs: it is asked about once.
  const told = new Map<unknown, Error>()
  return (error) => {
    const known = told.get(error) ?? maskError(error, customErrorMessage(error, how))
    told.set(error, known)
    return known
  }
}

/** What the server says of it; undefined where that fails too: then both are for the console. */
function customErrorMessage(error: unknown, say: (error: unknown) => string): string | undefined {
  try {
    return say(error)
  } catch (failure) {
    logFailure(failure)
    logFailure(error)
    return undefined
  }
}

/** Whether it tells only why the answer ended, in words that are fit for anybody. An answer that was cut elsewhere may tell where. */
export const isSafeToExpose = (error: unknown): boolean =>
  error instanceof TruncatedError
    ? error.message === new TruncatedError().message
    : error instanceof AbortReason && error.cause === undefined

function maskError(error: unknown, message?: string): Error {
  if (error instanceof ModelError) {
    const { code, status, providerType, requestId, retryAfterMs } = error
    return new ModelError(code, message ?? 'The model could not answer.', { status, providerType, requestId, retryAfterMs })
  }
  if (error instanceof TruncatedError) return new TruncatedError(message)
  return error instanceof ChaintapError
    ? new ChaintapError(error.code, message ?? GENERIC_ERROR_MESSAGE)
    : new Error(message ?? GENERIC_ERROR_MESSAGE)
}

/** The status of an answer that failed before it began. A provider that is busy (429, 503, Anthropic's 529) makes us so. */
export function httpStatusForError(error: unknown): number {
  if (error instanceof TimeoutError) return 504
  if (!(error instanceof ModelError)) return 500
  return [429, 503, 529].includes(error.status ?? 0) ? 503 : 502
}

/** An event as callers are told it. */
export const publicEvent = (event: RunEvent, expose: PublicErrorMapper): RunEvent =>
  event.type === 'error' || event.type === 'retry' ? { ...event, error: expose(event.error) } : event

/** How a run ended, as callers are told it. */
export const publicOutcome = (outcome: Outcome<unknown>, expose: PublicErrorMapper): Outcome<unknown> =>
  'error' in outcome ? { ...outcome, error: expose(outcome.error) } : outcome

/** Tells the server's own console of a failure that the caller reads nothing of. */
export function logFailure(error: unknown): void {
  // biome-ignore lint/suspicious/noConsole: whoever runs the server finds it there, and nowhere else
  console.error(error)
}
