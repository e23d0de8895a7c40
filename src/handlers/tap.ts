import type { RunEvent } from '../core/event.ts'
import { type Handler, type ResolvedHandler, raisesErrors, reportHandlerError, toListener } from '../core/handler/handler.ts'

/**
 * A handler as a stream that passes each event on unchanged after the handler has heard it, for `events()` and for logs. Where the
 * handler returns a promise, the stream waits. A failure is reported, and the stream goes on; with `raiseError` it fails the stream.
 * `flush` is called when a root run has ended, and at the end of the stream.
 *
 * @example
 * await chain.events(input).pipeThrough(tap({ onLlmNewToken: (token) => show(token) })).pipeThrough(tap(log)).pipeTo(new WritableStream())
 */
export function tap(handler: Handler): TransformStream<RunEvent, RunEvent> {
  let lifted: ResolvedHandler | undefined
  let isFlushed = true
  const hear = async (event: RunEvent): Promise<void> => {
    isFlushed = false
    try {
      lifted ??= toListener(handler)
      await lifted.listener(event)
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
      await hear(event)
      controller.enqueue(event)
      // Not at the stream's end alone: a failed run's stream ends with an error, and then nobody calls a transformer's flush.
      if (event.run.id === event.run.rootId && (event.type === 'end' || event.type === 'error')) await flush()
    },
    flush,
  })
}
