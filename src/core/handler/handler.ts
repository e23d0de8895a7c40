import { ChaintapError } from '../errors.ts'
import type { Listener, RunEvent, StopRun } from '../event.ts'
import { reportGlobally } from '../util/report-error.ts'
import { type LangChainHandler, withLangChain } from './langchain.ts'
import { type CallbackMethods, callMethod } from './methods.ts'
import { streamListener } from './stream-handler.ts'

/**
 * Receives the events of runs: a function, an object of `on…` methods, a stream, or a LangChain.js callback handler.
 *
 * @example
 * const handlers: readonly Handler[] = [(event) => console.log(event.type), { onLlmNewToken: (token) => show(token) }]
 */
export type Handler = Listener | CallbackMethods | LangChainHandler | TransformStream<RunEvent, RunEvent> | WritableStream<RunEvent>

/** A handler and its listener function; created once per run tree. */
export interface ResolvedHandler {
  readonly handler: Handler
  readonly listener: (event: RunEvent, stop?: StopRun) => unknown
  /** The runs whose events the handler is processing. */
  readonly busyQueues: Set<BusyQueue>
}

/** One run's events for a handler that is processing one of them. */
export interface BusyQueue {
  /** Settles when the handler has processed all events so far; never rejects. */
  readonly pending: Promise<unknown> | undefined
  /** Whether the events are those of this run, or of one below it. */
  isWithin(owner: object): boolean
}

/** Settles when the handlers of these queues have processed the events so far of a run and of the runs below it. */
export function pendingWithin(queues: Iterable<BusyQueue>, owner: object): Promise<unknown> | undefined {
  const waits: Promise<unknown>[] = []
  for (const queue of queues) if (queue.pending && queue.isWithin(owner)) waits.push(queue.pending)
  return waits.length > 1 ? Promise.all(waits) : waits[0]
}

/** Converts a handler of any form to a function of an event. */
export function toListener(given: Handler): ResolvedHandler {
  const handler = withLangChain(given, reportHandlerError)
  return { handler, listener: listenerOf(handler), busyQueues: new Set() }
}

function listenerOf(handler: Handler): ResolvedHandler['listener'] {
  if (typeof handler === 'function') return handler
  return isStreamHandler(handler) ? streamListener(handler) : (event, stop) => callMethod(handler, event, stop)
}

/** The name of a handler in reports. */
export function handlerName(handler: Handler): string {
  const { name } = handler as { name?: unknown }
  if (typeof name === 'string' && name !== '') return name
  return isStreamHandler(handler) ? 'a stream' : 'a handler'
}

function isStreamHandler(handler: Handler): handler is TransformStream<RunEvent, RunEvent> | WritableStream<RunEvent> {
  return 'getWriter' in handler || 'writable' in handler
}

/** Whether an error of the handler fails the run. */
export const raisesErrors = (handler: Handler): boolean => (handler as Listener).raiseError === true

/** Whether a value has a `then` method. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

/** Reports a handler's error: to `onHandlerError`, else to `reportError` or the console. Never throws. */
export function reportHandlerError(
  error: unknown,
  event: RunEvent | undefined,
  handler: Handler,
  onHandlerError?: (error: unknown, event: RunEvent | undefined, handler: Handler) => void,
): void {
  try {
    if (onHandlerError) return onHandlerError(error, event, handler)
    const where = event ? `on ${event.type} of ${event.run.name}` : 'in flush()'
    const failure = new ChaintapError('handler_failed', `Handler "${handlerName(handler)}" failed ${where}. The run continued.`, {
      cause: error,
    })
    reportGlobally(failure)
  } catch (failed) {
    // biome-ignore lint/suspicious/noConsole: the last resort
    console.error('onHandlerError failed', failed)
  }
}
