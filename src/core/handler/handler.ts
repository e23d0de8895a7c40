import { ChaintapError } from '../errors.ts'
import type { Handler, Listener, RunEvent, Stop } from '../event.ts'
import { callMethod } from './methods.ts'
import { streamListener } from './stream-handler.ts'

/** A handler of any form, lifted once per run tree to a function of an event. */
export interface Lifted {
  readonly handler: Handler
  readonly hear: (event: RunEvent, stop?: Stop) => unknown
}

/** Lifts any of the four forms of a handler to a function of an event. */
export function lift(handler: Handler): Lifted {
  if (typeof handler === 'function') return { handler, hear: handler }
  if (isStream(handler)) return { handler, hear: streamListener(handler) }
  return { handler, hear: (event, stop) => callMethod(handler, event, stop) }
}

/** The name under which a handler is reported. */
export function nameOf(handler: Handler): string {
  const { name } = handler as { name?: unknown }
  if (typeof name === 'string' && name !== '') return name
  return isStream(handler) ? 'a stream' : 'a handler'
}

export function isStream(handler: Handler): handler is TransformStream<RunEvent, RunEvent> | WritableStream<RunEvent> {
  return 'getWriter' in handler || 'writable' in handler
}

/** Whether the handler asked to fail the run when it fails. */
export const raises = (handler: Handler): boolean => (handler as Listener).raiseError === true

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

/** Tells of a failed handler once. Failures of the telling end here. */
export function report(
  error: unknown,
  event: RunEvent | undefined,
  handler: Handler,
  onHandlerError?: (error: unknown, event: RunEvent | undefined, handler: Handler) => void,
): void {
  try {
    if (onHandlerError) return onHandlerError(error, event, handler)
    const where = event ? `on ${event.type} of ${event.run.name}` : 'in flush()'
    const failure = new ChaintapError('handler_failed', `Handler "${nameOf(handler)}" failed ${where}. The run went on without it.`, {
      cause: error,
    })
    if (typeof reportError === 'function') reportError(failure)
    // biome-ignore lint/suspicious/noConsole: Node has no reportError
    else console.error(failure)
  } catch (failed) {
    // biome-ignore lint/suspicious/noConsole: the last resort
    console.error('onHandlerError failed', failed)
  }
}
