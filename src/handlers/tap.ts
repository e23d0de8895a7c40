import type { RunEvent } from '../core/event.ts'
import { checkHandler } from '../core/handler/check-handlers.ts'
import { type Handler, type ResolvedHandler, raisesErrors, reportHandlerError, toListener } from '../core/handler/handler.ts'
import { withLangChain } from '../core/handler/langchain.ts'

/**
 * Converts a handler to a stream that calls the handler with each event and then passes the event on unchanged, for `events()` and logs.
 * If the handler returns a promise, the stream waits for it. An error of the handler is reported and the stream continues; with
 * `raiseError` the error fails the stream. `flush` is called when a root run has ended, and at the end of the stream.
 *
 * @throws ChaintapError `invalid_options` if it is no handler
 * @example
 * const events = chain.events('Hello').pipeThrough(tap({ onLlmNewToken: (token) => show(token) }))
 * await events.pipeThrough(tap(new ConsoleCallbackHandler())).pipeTo(new WritableStream())
 */
export function tap(given: Handler): TransformStream<RunEvent, RunEvent> {
  checkHandler(given, 'tap()')
  const handler = withLangChain(given, reportHandlerError)
  let resolved: ResolvedHandler | undefined
  let isFlushed = true
  const handle = async (event: RunEvent): Promise<void> => {
    isFlushed = false
    try {
      resolved ??= toListener(handler)
      await resolved.listener(event)
    } catch (error) {
      if (raisesErrors(handler)) throw error
      reportHandlerError(error, event, handler)
    }
  }
  const flush = async (): Promise<void> => {
    if (isFlushed) return
    isFlushed = true
    try {
      if ('flush' in handler) await handler.flush?.()
    } catch (error) {
      reportHandlerError(error, undefined, handler)
    }
  }
  return new TransformStream({
    async transform(event, controller) {
      await handle(event)
      controller.enqueue(event)
      // Not only at the end of the stream: the stream of a failed run ends with an error, and a transformer's flush is not called then.
      if (event.run.id === event.run.rootId && (event.type === 'end' || event.type === 'error')) await flush()
    },
    flush,
  })
}
