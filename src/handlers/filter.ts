import type { Listener, RunEvent } from '../core/event.ts'
import { createEventPredicate, type EventTraits } from '../core/handler/filter.ts'
import { type Handler, handlerName, raisesErrors, toListener } from '../core/handler/handler.ts'

/**
 * A handler that hears only some events: those that a predicate says yes to, or that have any of the given traits (for "all of
 * them", write a predicate). It keeps the handler's name, `raiseError` and `flush`.
 *
 * @example
 * const models = withFilter(log, { kinds: ['llm', 'chat_model'] })
 * const slow = withFilter(log, ({ run }) => run.metadata.tier === 'slow')
 */
export function withFilter(handler: Handler, which: ((event: RunEvent) => boolean) | EventTraits): Listener {
  const isHeard = typeof which === 'function' ? which : createEventPredicate({ include: which })
  // Lifted late, so that a stream is not taken before there is something to write.
  let hear: Listener | undefined
  const listener: Listener = (event, stop) => {
    if (!isHeard(event)) return
    hear ??= toListener(handler).listener as Listener
    return hear(event, stop)
  }
  Object.defineProperty(listener, 'name', { value: handlerName(handler) })
  if (raisesErrors(handler)) listener.raiseError = true
  if ('flush' in handler) listener.flush = async () => handler.flush?.()
  return listener
}
