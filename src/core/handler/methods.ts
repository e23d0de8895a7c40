import type { AgentAction, AgentFinish } from '../agent-types.ts'
import type { EventOf, RunEvent, StopRun } from '../event.ts'
import { type AssistantMessage, isContent, type Message, textOf } from '../message.ts'
import { isRecord } from '../util/is-record.ts'

/** What an `on…` method returns: nothing, or a promise that its run waits for. */
export type MethodResult = void | PromiseLike<void>

/**
 * A handler as an object of methods, named as in LangChain's BaseCallbackHandler: the payload is the first argument, the whole event the
 * second. Every method is optional. If a method returns a promise, the run waits for it.
 *
 * @example
 * const handler: CallbackMethods = {
 *   onLlmNewToken(token) { show(token) },
 *   onLlmEnd(message, event) { console.log(event.usage) },
 * }
 */
export interface CallbackMethods {
  /**
   * The name in reports of the handler's failures.
   *
   * @defaultValue 'a handler'
   */
  readonly name?: string
  /**
   * Whether an error of this handler fails the run. Otherwise the error is reported and the run continues.
   *
   * @defaultValue false
   */
  readonly raiseError?: boolean
  /** Called once after each root run has ended. `flushed` waits for its promise. */
  flush?(): Promise<void>
  /** Called for every event, instead of all other methods. `stop` stops the run of the event and all runs below it. */
  onEvent?(event: RunEvent, stop?: StopRun): MethodResult
  /**
   * Called when a run of kind `llm` starts. Without `onChatModelStart` also for `chat_model`, with the messages as text: one line each,
   * e.g. `Human: hello`.
   */
  onLlmStart?(prompt: string, event: EventOf<'start'>): MethodResult
  /** Called when a run of kind `chat_model` starts. */
  onChatModelStart?(messages: readonly Message[], event: EventOf<'start'>): MethodResult
  /** Called for each piece of text that an `llm` or `chat_model` run streams. Never called for an empty text. */
  onLlmNewToken?(token: string, event: EventOf<'token'>): MethodResult
  /** Called when an `llm` or `chat_model` run completes, with its message or text. `event.usage` has the tokens, if reported. */
  onLlmEnd?(output: AssistantMessage | string, event: EventOf<'end'>): MethodResult
  /** Called when an `llm` or `chat_model` run fails or is stopped. `event.partial` is the output until then. */
  onLlmError?(error: unknown, event: EventOf<'error'>): MethodResult
  /** Called when a `chain`, `prompt`, `parser` or `agent` run starts. `input` is undefined if it starts before its input is complete. */
  onChainStart?(input: unknown, event: EventOf<'start'>): MethodResult
  /** Called when a `chain`, `prompt`, `parser` or `agent` run completes. */
  onChainEnd?(output: unknown, event: EventOf<'end'>): MethodResult
  /** Called when a `chain`, `prompt`, `parser` or `agent` run fails or is stopped. */
  onChainError?(error: unknown, event: EventOf<'error'>): MethodResult
  /** Called when a tool starts. */
  onToolStart?(input: unknown, event: EventOf<'start'>): MethodResult
  /** Called when a tool completes. */
  onToolEnd?(output: unknown, event: EventOf<'end'>): MethodResult
  /** Called when a tool fails or is stopped. */
  onToolError?(error: unknown, event: EventOf<'error'>): MethodResult
  /** Called when a retriever starts. */
  onRetrieverStart?(query: unknown, event: EventOf<'start'>): MethodResult
  /** Called when a retriever completes, with the documents that it found. */
  onRetrieverEnd?(documents: unknown, event: EventOf<'end'>): MethodResult
  /** Called when a retriever fails or is stopped. */
  onRetrieverError?(error: unknown, event: EventOf<'error'>): MethodResult
  /** Called when a run emits a `text` event: text for people, e.g. of LLMChain or a lambda's `context.emit`. */
  onText?(text: string, event: EventOf<'text'>): MethodResult
  /** Called when an agent has chosen a tool, before the tool runs. */
  onAgentAction?(action: AgentAction, event: EventOf<'action'>): MethodResult
  /** Called when an agent has decided on its final answer, before its run completes. */
  onAgentFinish?(finish: AgentFinish, event: EventOf<'finish'>): MethodResult
  /** Called when an attempt or a connection has failed and another one follows, before the pause. `attempt` is the failed one, from 1. */
  onRetry?(attempt: number, event: EventOf<'retry'>): MethodResult
  /** Called when a run emits a `custom` event. `event.name` is its name. */
  onCustomEvent?(data: unknown, event: EventOf<'custom'>): MethodResult
}

/** Calls the method for an event: the only table of events and methods. Looks it up per event, so methods may be assigned late. */
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
      if (handler.onChatModelStart) return handler.onChatModelStart(event.input as readonly Message[], event)
      return handler.onLlmStart?.(inputAsText(event.input), event)
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

/** Formats messages as LangChain does for handlers that take text: one line each, e.g. `Human: hello`. */
export function messagesAsText(messages: readonly Message[]): string {
  return messages.map((message) => `${roleLabels[message.role] ?? message.role}: ${textOf(message)}`).join('\n')
}

/** The input of a chat model's run as text. If it is no list of messages, the run is about to fail, or happens elsewhere. */
function inputAsText(input: unknown): string {
  if (typeof input === 'string') return input
  const messages = Array.isArray(input) ? input.filter((message) => isRecord(message) && isContent(message.content)) : []
  return messagesAsText(messages)
}
