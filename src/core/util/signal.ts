import { AbortReason, ChaintapError } from '../errors.ts'

/** What is thrown for an abort: an Error reason as it is, a string as an error with that message (LangChain's rule). */
function toAbortReason(reason: unknown): unknown {
  if (reason === undefined) return new AbortReason('The run was aborted.')
  return typeof reason === 'string' ? new AbortReason(reason) : reason
}

/**
 * Calls `onAbort` when the signal aborts, at once where it already has; returns what removes the listener. Instead of
 * `AbortSignal.any`, whose results stay reachable from long-lived signals (nodejs/node#55351).
 */
export const listenForAbort = (signal: AbortSignal, onAbort: (reason: unknown) => void): (() => void) =>
  whenAborted(signal, () => onAbort(toAbortReason(signal.reason)))

/** The same for who does not ask why. */
export function whenAborted(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) {
    listener()
    return () => {}
  }
  signal.addEventListener('abort', listener, { once: true })
  return () => signal.removeEventListener('abort', listener)
}

/** The longest that a timer takes, in ms: 24 days. One that is set to more, or to Infinity, fires at once. */
export const MAX_TIMER_MS = 2_147_483_647

/** Checks a `timeout` option where the caller stands. */
export function checkTimeout(timeout: number | undefined): void {
  if (timeout !== undefined && !(timeout > 0)) {
    throw new ChaintapError(
      'invalid_options',
      `timeout must be a positive number of milliseconds, but is ${timeout}. Leave it out for no limit.`,
    )
  }
}
