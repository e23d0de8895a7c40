import type { Listener, RunEvent } from '../core/event.ts'
import { checkHandler } from '../core/handler/check-handlers.ts'
import { createEventPredicate, type EventTraits } from '../core/handler/filter.ts'
import { type Handler, handlerName, raisesErrors, reportHandlerError, toListener } from '../core/handler/handler.ts'
import { withLangChain } from '../core/handler/langchain.ts'

/**
 * Wraps a handler so that it receives only some events: those that the predicate accepts, or those with at least one of the traits. The
 * result keeps the handler's name, `raiseError` and `flush`.
 *
 * @param which a predicate, or traits; to require several traits at once, pass a predicate
 * @throws ChaintapError `invalid_options` if it is no handler
 * @example
 * const models = withFilter(log, { kinds: ['llm', 'chat_model'] })
 * const slow = withFilter(log, ({ run }) => run.metadata.tier === 'slow')
 */
export function withFilter(given: Handler, which: ((event: RunEvent) => boolean) | EventTraits): Listener {
  checkHandler(given, 'withFilter()')
  const handler = withLangChain(given, reportHandlerError)
  const matches = typeof which === 'function' ? which : createEventPredicate({ include: which })
  // Created late, so that a handler stream is not locked before there is an event to write.
  let forward: Listener | undefined
  const listener: Listener = (event, stop) => {
    if (!matches(event)) return
    forward ??= toListener(handler).listener as Listener
    return forward(event, stop)
  }
  Object.defineProperty(listener, 'name', { value: handlerName(handler) })
  if (raisesErrors(handler)) listener.raiseError = true
  if ('flush' in handler) listener.flush = async () => handler.flush?.()
  return listener
}
