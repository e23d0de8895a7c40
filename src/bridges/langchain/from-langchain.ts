import { invalidOptionsError } from '../../core/errors.ts'
import type { Listener } from '../../core/event.ts'
import { reportHandlerError } from '../../core/handler/handler.ts'
import { hasLangChainMethods, type LangChainHandler, langChainListener } from '../../core/handler/langchain.ts'

/** The listener of each handler, so that one that is passed twice receives each event once. */
const listeners = new WeakMap<LangChainHandler, Listener>()

/**
 * Makes a handler of a LangChain.js callback handler or tracer, e.g. of Langfuse or LangSmith. It receives the events in LangChain's
 * positional form, with LangChain's messages, generations and documents. A handler in `callbacks` is converted without this function.
 *
 * Its flags are obeyed: `ignoreLLM`, `ignoreChain`, `ignoreAgent`, `ignoreRetriever`, `ignoreCustomEvent` and `raiseError`. A handler with
 * `awaitHandlers: false`, LangChain's default, works in the background. `flushed` of a run waits for it, and for its `flushAsync` or
 * its client's pending batches.
 *
 * @throws ChaintapError `invalid_options` if the object has none of LangChain's methods, or is a CallbackManager.
 * @see https://js.langchain.com/docs/concepts/callbacks
 *
 * @example
 * const tracer = fromLangChain({ name: 'mine', handleLLMNewToken: (token: string) => show(token) })
 * await chain.invoke('Hello', { callbacks: [tracer] })
 */
export function fromLangChain(handler: LangChainHandler): Listener {
  const known = listeners.get(handler)
  if (known) return known
  checkLangChainHandler(handler)
  const listener = langChainListener(handler, reportHandlerError)
  listeners.set(handler, listener)
  return listener
}

function checkLangChainHandler(handler: LangChainHandler): void {
  if ('addHandler' in handler)
    throw invalidOptionsError(
      'fromLangChain(): received a CallbackManager. Pass each of its handlers: manager.handlers.map(fromLangChain).',
    )
  if (hasLangChainMethods(handler)) return
  throw invalidOptionsError('fromLangChain(): the object has none of the methods of a LangChain handler, e.g. handleLLMEnd.')
}
