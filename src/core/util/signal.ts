import { AbortReason, ChaintapError } from '../errors.ts'

/** The error to throw for an abort reason: a string becomes an AbortReason with that message, as in LangChain; other values stay. */
function toAbortReason(reason: unknown): unknown {
  if (reason === undefined) return new AbortReason('The run was aborted.')
  return typeof reason === 'string' ? new AbortReason(reason) : reason
}

/**
 * Calls `onAbort` when the signal aborts, or immediately if it already has. Returns a function that removes the listener. Used instead
 * of `AbortSignal.any`, whose results stay reachable from long-lived signals (nodejs/node#55351).
 */
export const listenForAbort = (signal: AbortSignal, onAbort: (reason: unknown) => void): (() => void) =>
  whenAborted(signal, () => onAbort(toAbortReason(signal.reason)))

/** Like {@link listenForAbort}, without the reason. */
export function whenAborted(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) {
    listener()
    return () => {}
  }
  signal.addEventListener('abort', listener, { once: true })
  return () => signal.removeEventListener('abort', listener)
}

/** The longest delay of a timer, in ms: 24 days. A timer with a longer delay, or Infinity, fires immediately. */
export const MAX_TIMER_MS = 2_147_483_647

/** Checks a `timeout` option, so that the error is thrown in the caller's stack. */
export function checkTimeout(timeout: number | undefined): void {
  if (timeout !== undefined && !(timeout > 0)) {
    throw new ChaintapError(
      'invalid_options',
      `timeout must be a positive number of milliseconds, but is ${timeout}. Omit it for no limit.`,
    )
  }
}
