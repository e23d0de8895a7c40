import type { EndEvent, EventOf, Run } from '../../core/event.ts'
import type { Message } from '../../core/message.ts'
import { isOwnMessage, LangChainMessage } from './message.ts'

/** The value of a prompt's run (LangChain's ChatPromptValue): handlers read its messages. */
class PromptValue {
  readonly messages: readonly LangChainMessage[]

  constructor(messages: readonly Message[]) {
    this.messages = messages.map((message) => new LangChainMessage(message))
  }

  toChatMessages(): readonly LangChainMessage[] {
    return this.messages
  }

  toJSON(): object {
    return { lc: 1, type: 'constructor', id: ['langchain_core', 'prompt_values', 'ChatPromptValue'], kwargs: { messages: this.messages } }
  }
}

/** Converts the messages in a value: the value itself, its items, or its fields and their items. */
function withMessages(value: unknown): unknown {
  if (isOwnMessage(value)) return new LangChainMessage(value)
  if (Array.isArray(value)) return value.some(isOwnMessage) ? value.map(withMessages) : value
  if (!isPlain(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, isOwnMessage(item) || Array.isArray(item) ? withMessages(item) : item]),
  )
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  isObject(value) && Object.getPrototypeOf(value) === Object.prototype

/** The inputs of a chain: an object. Other values are wrapped, as LangChain does; an input that is not known yet is an empty text. */
export const chainInputs = (input: unknown): unknown => asObject(input === undefined ? '' : withMessages(input), 'input')

/** The outputs of a chain: an object. */
export function chainOutputs({ kind }: Run, output: unknown): unknown {
  if (kind === 'prompt' && Array.isArray(output) && output.every(isOwnMessage)) return new PromptValue(output)
  return asObject(withMessages(output), 'output')
}

const asObject = (value: unknown, key: 'input' | 'output'): unknown =>
  isObject(value) && !(value instanceof Date) ? value : { [key]: value }

/** The output of a tool: a tool message in LangChain's form, or the value. */
export const toolOutput = (output: unknown): unknown => (isOwnMessage(output) ? new LangChainMessage(output) : output)

/** The arguments of a tool as JSON, and the id of its call, if it was called by a model. */
export function toolInput(input: unknown): { readonly text: string; readonly callId: string | undefined } {
  const call = isObject(input) && typeof input.id === 'string' && 'name' in input && 'args' in input ? input : undefined
  const args = call ? call.args : input
  return { text: JSON.stringify(typeof args === 'string' ? { input: args } : (args ?? {})), callId: call?.id as string | undefined }
}

/** The result of a model (LangChain's LLMResult). */
export function llmResult({ output, usage, answered }: EventOf<'end'>): object {
  const answer = isOwnMessage(output) && output.role === 'assistant' ? { ...(usage && { usage }), ...output } : undefined
  const message = answer && new LangChainMessage(answer)
  const text = message?.text ?? (typeof output === 'string' ? output : '')
  const generationInfo = message ? message.response_metadata : { ...(answered?.model !== undefined && { model_name: answered.model }) }
  const { inputTokens: promptTokens, outputTokens: completionTokens, totalTokens } = usage ?? {}
  return {
    generations: [[{ text, generationInfo, ...(message && { message }) }]],
    llmOutput: {
      ...(usage && { tokenUsage: { promptTokens, completionTokens, totalTokens } }),
      ...(answered?.model !== undefined && { model_name: answered.model }),
    },
  }
}

/** The partial result of a model that failed, if it has content. */
export const partialResult = ({ partial }: Extract<EndEvent, { type: 'error' }>): object | undefined =>
  partial === undefined || partial === '' ? undefined : { partial: withMessages(partial) }

/** What LangChain calls the serialized object: handlers take the name from its id. */
export const serialized = ({ kind, name }: Run): object => ({ lc: 1, type: 'not_implemented', id: ['chaintap', kind, name], name })
