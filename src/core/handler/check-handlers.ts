import { invalidOptionsError } from '../errors.ts'
import type { Handler } from './handler.ts'

const langChainMethod = /^handle(LLM|Chat|Chain|Tool|Retriever|Text|Agent|Custom)/
const ownMethod = /^on(Event|Llm|Chat|Chain|Tool|Retr|Text|Agent|Custom)/

/**
 * Whether an object is a handler for LangChain, and not for chaintap as well. `awaitHandlers` is a field of LangChain's BaseCallbackHandler.
 * Its tracers have methods like `onChainStart`, but with other arguments; they are recognised by `persistRun`.
 */
function isLangChainHandler(handler: object): boolean {
  const names: string[] = []
  for (let from: unknown = handler; from; from = Object.getPrototypeOf(from)) names.push(...Object.getOwnPropertyNames(from))
  const isBased = names.includes('awaitHandlers')
  if (isBased && names.includes('persistRun')) return true
  return (isBased || names.some((name) => langChainMethod.test(name))) && !names.some((name) => ownMethod.test(name))
}

/**
 * Checks that a value can be a handler of chaintap. An object without methods can: they may be assigned later.
 *
 * @param place What received the handler, for the error.
 * @throws ChaintapError `invalid_options` if it is a LangChain handler, or neither a function nor an object
 */
export function checkHandler(handler: Handler, place: string): void {
  if (typeof handler === 'function') return
  if (typeof handler !== 'object' || handler === null)
    throw invalidOptionsError(
      `${place}: expected a function, an object of on… methods or a stream, received ${String(handler && typeof handler)}.`,
    )
  if (isLangChainHandler(handler))
    throw invalidOptionsError(
      `${place}: chaintap does not call the methods of a LangChain handler. Pass fromLangChain(handler) of chaintap/langchain.`,
    )
}

/** Checks the `callbacks` of a call or a constructor. @throws ChaintapError `invalid_options` if they are no array of handlers */
export function checkCallbacks(callbacks: readonly Handler[] | undefined): void {
  if (!callbacks) return
  if (!Array.isArray(callbacks)) throw invalidOptionsError('callbacks: expected an array of handlers, received one value.')
  for (const handler of callbacks) checkHandler(handler, 'callbacks')
}
