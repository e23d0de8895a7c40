import { invalidOptionsError } from '../errors.ts'
import type { Handler } from './handler.ts'

/**
 * Checks that a value can be a handler. An object without methods can: they may be assigned later.
 *
 * @param place What received the handler, for the error.
 * @throws ChaintapError `invalid_options` if it is neither a function nor an object, or a CallbackManager of LangChain
 */
export function checkHandler(handler: Handler, place: string): void {
  if (typeof handler === 'function') return
  if (typeof handler !== 'object' || handler === null)
    throw invalidOptionsError(
      `${place}: expected a function, an object of on… methods or a stream, received ${handler === null ? 'null' : typeof handler}.`,
    )
  if ('addHandler' in handler && 'handlers' in handler)
    throw invalidOptionsError(`${place}: received a CallbackManager of LangChain. Pass its handlers: callbacks: manager.handlers.`)
}

/** Checks the `callbacks` of a call or a constructor. @throws ChaintapError `invalid_options` if they are no array of handlers */
export function checkCallbacks(callbacks: readonly Handler[] | undefined): void {
  if (!callbacks) return
  if (!Array.isArray(callbacks)) throw invalidOptionsError('callbacks: expected an array of handlers, received one value.')
  for (const handler of callbacks) checkHandler(handler, 'callbacks')
}
