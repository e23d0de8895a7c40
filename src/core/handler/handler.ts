import { ChaintapError } from '../errors.ts'
import type { Listener, RunEvent, StopRun } from '../event.ts'
import { type CallbackMethods, callMethod } from './methods.ts'
import { streamListener } from './stream-handler.ts'

/** Receives run events: a function, an object of `on…` methods, or a stream. */
export type Handler = Listener | CallbackMethods | TransformStream<RunEvent, RunEvent> | WritableStream<RunEvent>

/** A handler of any form, lifted once per run tree to a function of an event. */
export interface ResolvedHandler {
  readonly handler: Handler
  readonly listener: (event: RunEvent, stop?: StopRun) => unknown
}

/** Lifts any of the four forms of a handler to a function of an event. */
export function toListener(handler: Handler): ResolvedHandler {
  if (typeof handler === 'function') return { handler, listener: handler }
  if (isStreamHandler(handler)) return { handler, listener: streamListener(handler) }
  return { handler, listener: (event, stop) => callMethod(handler, event, stop) }
}

/** The name under which a handler is reported. */
export function handlerName(handler: Handler): string {
  const { name } = handler as { name?: unknown }
  if (typeof name === 'string' && name !== '') return name
  return isStreamHandler(handler) ? 'a stream' : 'a handler'
}

function isStreamHandler(handler: Handler): handler is TransformStream<RunEvent, RunEvent> | WritableStream<RunEvent> {
  return 'getWriter' in handler || 'writable' in handler
}

/** Whether the handler asked to fail the run when it fails. */
export const raisesErrors = (handler: Handler): boolean => (handler as Listener).raiseError === true

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

/** Tells of a failed handler once. Failures of the telling end here. */
export function reportHandlerError(
  error: unknown,
  event: RunEvent | undefined,
  handler: Handler,
  onHandlerError?: (error: unknown, event: RunEvent | undefined, handler: Handler) => void,
): void {
  try {
    if (onHandlerError) return onHandlerError(error, event, handler)
    const where = event ? `on ${event.type} of ${event.run.name}` : 'in flush()'
    const failure = new ChaintapError('handler_failed', `Handler "${handlerName(handler)}" failed ${where}. The run went on without it.`, {
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
