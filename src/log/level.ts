import { isStopError } from '../console/text.ts'
import type { RunEvent } from '../core/event.ts'

/** Severity of a record, with the names of LogTape. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warning' | 'error' | 'fatal'

/** All levels in ascending order. */
export const levels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warning', 'error', 'fatal']

/**
 * The level of an event. `trace`: `token`, `delta`, `chunk`. `warning`: `retry`, and the `error` of a run that was stopped. `error`: any other
 * `error`. `info`: every other event.
 */
export function levelOf(event: RunEvent): LogLevel {
  switch (event.type) {
    case 'token':
    case 'delta':
    case 'chunk':
      return 'trace'
    case 'retry':
      return 'warning'
    case 'error':
      return isStopError(event.error) ? 'warning' : 'error'
    default:
      return 'info'
  }
}
