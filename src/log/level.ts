import { isStopError } from '../console/text.ts'
import type { RunEvent } from '../core/event.ts'

/** How much a record matters. The names are LogTape's. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warning' | 'error' | 'fatal'

/** All levels, the least first. */
export const levels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warning', 'error', 'fatal']

/**
 * The level of an event. `trace`: `token`, `delta`, `chunk`. `warning`: `retry`, and the `error` of a run that was stopped. `error`: any other
 * `error`. `info`: all else.
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
