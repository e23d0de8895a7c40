import type { Listener, RunEvent } from '../event.ts'

/** The methods of a LangChain handler. */
export type LangChainMethodName =
  | `handle${'LLM' | 'Chain' | 'Tool' | 'Retriever'}${'Start' | 'End' | 'Error'}`
  | `handle${'ChatModelStart' | 'LLMNewToken' | 'Text' | 'AgentAction' | 'AgentEnd' | 'CustomEvent'}`

/** A method of a LangChain handler. Its arguments are in the order in which LangChain.js passes them. */
export type LangChainMethod = (...args: never[]) => unknown

/**
 * A LangChain.js callback handler: an object of a subclass of its `BaseCallbackHandler`, a tracer, or an object with some of the methods.
 * Described by its structure, so that `@langchain/core` is not needed.
 */
export interface LangChainHandler extends Readonly<Partial<Record<LangChainMethodName, LangChainMethod>>> {
  /** Its name in reports of failures. */
  readonly name?: string
  /** Whether it ignores models. Default false, as for the other flags. */
  readonly ignoreLLM?: boolean
  /** Whether it ignores chains, prompts, parsers and agents. */
  readonly ignoreChain?: boolean
  /** Whether it ignores tools, and the actions and answers of agents. */
  readonly ignoreAgent?: boolean
  /** Whether it ignores retrievers. */
  readonly ignoreRetriever?: boolean
  /** Whether it ignores custom events. */
  readonly ignoreCustomEvent?: boolean
  /** Whether runs wait for its promises. Otherwise it works in the background, in order. Default true for an object without the field. */
  readonly awaitHandlers?: boolean
  /** Whether its errors fail the run. Runs then wait for its promises. */
  readonly raiseError?: boolean
}

const langChainMethod = /^handle(LLM|Chat|Chain|Tool|Retriever|Text|Agent|Custom)/
const ownMethod = /^on(Event|Llm|Chat|Chain|Tool|Retr|Text|Agent|Custom)/

function propertyNames(handler: object): readonly string[] {
  const names: string[] = []
  for (let from: unknown = handler; from; from = Object.getPrototypeOf(from)) names.push(...Object.getOwnPropertyNames(from))
  return names
}

/** Whether an object has a method of a LangChain handler, or is made by its BaseCallbackHandler, which has the field `awaitHandlers`. */
export const hasLangChainMethods = (handler: object): boolean =>
  propertyNames(handler).some((name) => name === 'awaitHandlers' || langChainMethod.test(name))

/**
 * Whether an object is a handler for LangChain, and not for chaintap as well. LangChain's tracers have methods like `onChainStart` too, but
 * with other arguments; they are recognised by `persistRun`.
 */
function isLangChainHandler(handler: object): boolean {
  if (!hasLangChainMethods(handler)) return false
  const names = propertyNames(handler)
  return (names.includes('awaitHandlers') && names.includes('persistRun')) || !names.some((name) => ownMethod.test(name))
}

type ReportError = (error: unknown, event: RunEvent, handler: LangChainHandler) => void

/** The handler itself, or a listener for a LangChain handler. */
export const withLangChain = <H>(handler: H, report: ReportError): Exclude<H, LangChainHandler> | Listener =>
  typeof handler === 'object' && handler !== null && isLangChainHandler(handler)
    ? langChainListener(handler, report)
    : (handler as Exclude<H, LangChainHandler>)

/** How many events may wait for a handler in the background before a run waits for it. */
const MAX_QUEUED = 1_000

/**
 * The listener of a LangChain handler. Its first event loads the code that converts events, which only programs with such handlers need.
 * That code imports nothing of the core, so that it costs other programs nothing.
 *
 * @param report Reports the errors of a handler that no run waits for.
 */
export function langChainListener(handler: LangChainHandler, report: ReportError): Listener {
  let bridge: typeof import('../../bridges/langchain/call.ts') | undefined
  const load = async (): Promise<NonNullable<typeof bridge>> => {
    bridge = await import('../../bridges/langchain/call.ts')
    return bridge
  }
  const call: Listener = (event) =>
    bridge ? bridge.callHandler(handler, event) : load().then((loaded) => loaded.callHandler(handler, event))
  let tail: Promise<unknown> = Promise.resolve()
  let queued = 0
  const enqueue: Listener = (event) => {
    queued++
    tail = tail.then(() => call(event)).catch((error: unknown) => report(error, event, handler))
    const done = tail.then(() => void queued--)
    return queued > MAX_QUEUED ? done : undefined
  }
  const { name, raiseError = false, awaitHandlers = true } = handler
  const listener = raiseError || awaitHandlers ? call : enqueue
  const flush = async (): Promise<void> => {
    await tail
    await bridge?.flushHandler(handler)
  }
  Object.defineProperty(listener, 'name', { value: name })
  return Object.assign(listener, { raiseError, flush })
}
