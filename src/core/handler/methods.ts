import type { AgentAction, AgentFinish } from '../agent-types.ts'
import type { EventOf, RunEvent, StopRun } from '../event.ts'
import { type AssistantMessage, type Message, textOf } from '../message.ts'

type MethodResult = void | PromiseLike<void>

/**
 * A handler as an object of methods, with LangChain's names: payload first, the whole event second. Every method is optional; one
 * that returns a promise is waited for. `onChain…` hears the kinds `chain`, `prompt`, `parser` and `agent`.
 *
 * @example
 * const handler: CallbackMethods = {
 *   onLlmNewToken(token) { answer.append(token) },
 *   onLlmEnd(message, event) { console.log(event.usage) },
 * }
 */
export interface CallbackMethods {
  /** Said in reports when the handler fails. */
  readonly name?: string
  /** A failure of this handler fails the run. */
  readonly raiseError?: boolean
  /** Called once after a root run has ended, and awaited by `flushed`. */
  flush?(): Promise<void>
  /** Hears every event; where it is there, it alone is called. For classes that treat all events alike. */
  onEvent?(event: RunEvent, stop?: StopRun): MethodResult
  /** Hears chat models too where there is no `onChatModelStart`, with the messages as text. */
  onLlmStart?(prompt: string, event: EventOf<'start'>): MethodResult
  onChatModelStart?(messages: readonly Message[], event: EventOf<'start'>): MethodResult
  onLlmNewToken?(token: string, event: EventOf<'token'>): MethodResult
  onLlmEnd?(output: AssistantMessage | string, event: EventOf<'end'>): MethodResult
  onLlmError?(error: unknown, event: EventOf<'error'>): MethodResult
  onChainStart?(input: unknown, event: EventOf<'start'>): MethodResult
  onChainEnd?(output: unknown, event: EventOf<'end'>): MethodResult
  onChainError?(error: unknown, event: EventOf<'error'>): MethodResult
  onToolStart?(input: unknown, event: EventOf<'start'>): MethodResult
  onToolEnd?(output: unknown, event: EventOf<'end'>): MethodResult
  onToolError?(error: unknown, event: EventOf<'error'>): MethodResult
  onRetrieverStart?(query: unknown, event: EventOf<'start'>): MethodResult
  onRetrieverEnd?(documents: unknown, event: EventOf<'end'>): MethodResult
  onRetrieverError?(error: unknown, event: EventOf<'error'>): MethodResult
  onText?(text: string, event: EventOf<'text'>): MethodResult
  onAgentAction?(action: AgentAction, event: EventOf<'action'>): MethodResult
  onAgentFinish?(finish: AgentFinish, event: EventOf<'finish'>): MethodResult
  onRetry?(attempt: number, event: EventOf<'retry'>): MethodResult
  onCustomEvent?(data: unknown, event: EventOf<'custom'>): MethodResult
}

/** The one table between events and methods. Methods are looked up at each event, so that classes and late assignment work. */
export function callMethod(handler: CallbackMethods, event: RunEvent, stop?: StopRun): MethodResult {
  if (handler.onEvent) return handler.onEvent(event, stop)
  switch (event.type) {
    case 'token':
      return handler.onLlmNewToken?.(event.token, event)
    case 'start':
      return onStart(handler, event)
    case 'end':
      return onEnd(handler, event)
    case 'error':
      return onError(handler, event)
    case 'text':
      return handler.onText?.(event.text, event)
    case 'action':
      return handler.onAgentAction?.(event.action, event)
    case 'finish':
      return handler.onAgentFinish?.(event.finish, event)
    case 'retry':
      return handler.onRetry?.(event.attempt, event)
    case 'custom':
      return handler.onCustomEvent?.(event.data, event)
    case 'delta':
    case 'chunk':
      return
  }
}

function onStart(handler: CallbackMethods, event: EventOf<'start'>): MethodResult {
  switch (event.run.kind) {
    case 'chat_model': {
      const messages = event.input as readonly Message[]
      if (handler.onChatModelStart) return handler.onChatModelStart(messages, event)
      return handler.onLlmStart?.(messagesAsText(messages), event)
    }
    case 'llm':
      return handler.onLlmStart?.(event.input as string, event)
    case 'tool':
      return handler.onToolStart?.(event.input, event)
    case 'retriever':
      return handler.onRetrieverStart?.(event.input, event)
    default:
      return handler.onChainStart?.(event.input, event)
  }
}

function onEnd(handler: CallbackMethods, event: EventOf<'end'>): MethodResult {
  switch (event.run.kind) {
    case 'chat_model':
    case 'llm':
      return handler.onLlmEnd?.(event.output as AssistantMessage | string, event)
    case 'tool':
      return handler.onToolEnd?.(event.output, event)
    case 'retriever':
      return handler.onRetrieverEnd?.(event.output, event)
    default:
      return handler.onChainEnd?.(event.output, event)
  }
}

function onError(handler: CallbackMethods, event: EventOf<'error'>): MethodResult {
  switch (event.run.kind) {
    case 'chat_model':
    case 'llm':
      return handler.onLlmError?.(event.error, event)
    case 'tool':
      return handler.onToolError?.(event.error, event)
    case 'retriever':
      return handler.onRetrieverError?.(event.error, event)
    default:
      return handler.onChainError?.(event.error, event)
  }
}

const roleLabels = { system: 'System', user: 'Human', assistant: 'AI', tool: 'Tool' } as const

/** Messages as LangChain writes them to a handler that only knows text: `Human: hello`, a line each. */
export function messagesAsText(messages: readonly Message[]): string {
  return messages.map((message) => `${roleLabels[message.role] ?? message.role}: ${textOf(message)}`).join('\n')
}
