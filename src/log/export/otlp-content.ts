import type { Run } from '../../core/event.ts'
import { type AssistantMessage, type Message, type Part, type ToolCall, textOf as textIn } from '../../core/message.ts'
import { isModel } from './otlp-names.ts'
import { type Attribute, attribute, toAttributeText } from './otlp-value.ts'

/** The input of a run, in the attribute that the conventions define for it. */
export function inputAttributes(run: Run, input: unknown): Attribute[] {
  if (input === undefined) return []
  if (run.kind === 'tool') return [attribute('gen_ai.tool.call.arguments', toAttributeText(toToolCall(input)?.args ?? input))]
  if (run.kind === 'retriever' && typeof input === 'string') return [attribute('gen_ai.retrieval.query.text', input)]
  const messages = exchangesMessages(run) ? toMessageList(input, 'user') : undefined
  return [
    messages
      ? attribute('gen_ai.input.messages', toAttributeText(messages.map(toOtlpMessage)))
      : attribute('chaintap.input', toAttributeText(input)),
  ]
}

/** The output of a run, or its partial output if it failed. */
export function outputAttributes(run: Run, output: unknown, failed = false): Attribute[] {
  if (output === undefined) return []
  if (run.kind === 'tool')
    return [attribute('gen_ai.tool.call.result', isExportableMessage(output) ? textIn(output) : toAttributeText(output))]
  const messages = exchangesMessages(run) ? toMessageList(output, 'assistant') : undefined
  if (!messages) return [attribute('chaintap.output', toAttributeText(output))]
  const outputMessages = messages.map((message) => ({
    ...toOtlpMessage(message),
    finish_reason: stopReason(message) ?? (failed ? 'error' : 'stop'),
  }))
  return [attribute('gen_ai.output.messages', toAttributeText(outputMessages))]
}

/** The provider's stop reason of a model's answer. */
export const stopReason = (output: unknown): string | undefined =>
  isExportableMessage(output) && 'stopReason' in output && typeof output.stopReason === 'string' ? output.stopReason : undefined

/** The id of the tool call in a tool's input. */
export const callId = (input: unknown): string | undefined => toToolCall(input)?.id

const exchangesMessages = (run: Run): boolean => isModel(run) || run.kind === 'agent'

function toToolCall(input: unknown): ToolCall | undefined {
  if (!isObject(input)) return undefined
  const { id, name, args } = input as Partial<ToolCall>
  return typeof id === 'string' && typeof name === 'string' && args !== undefined ? { id, name, args } : undefined
}

function toMessageList(value: unknown, role: 'user' | 'assistant'): readonly Message[] | undefined {
  if (typeof value === 'string') return [{ role, content: value }]
  if (isExportableMessage(value)) return [value]
  return Array.isArray(value) && value.length > 0 && value.every(isExportableMessage) ? value : undefined
}

function isExportableMessage(value: unknown): value is Message {
  if (!isObject(value)) return false
  const { role, content, toolCalls = [] } = value as Partial<AssistantMessage>
  return typeof role === 'string' && (typeof content === 'string' || areObjects(content)) && areObjects(toolCalls)
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const areObjects = (value: unknown): boolean => Array.isArray(value) && value.every(isObject)

/** Converts a message to the conventions' schemas (gen-ai-input-messages.json, gen-ai-output-messages.json). */
function toOtlpMessage(message: Message): { readonly role: string; readonly parts: readonly object[] } {
  const { role, content } = message
  if (role === 'tool') return { role, parts: [{ type: 'tool_call_response', id: message.toolCallId, response: textIn(message) }] }
  const contentParts = typeof content === 'string' ? (content === '' ? [] : [{ type: 'text', content }]) : content.map(toOtlpPart)
  const calls = role === 'assistant' ? (message.toolCalls ?? []).map(toToolCallPart) : []
  return { role, parts: [...contentParts, ...calls] }
}

function toOtlpPart(part: Part): object {
  if (part.type === 'text' || part.type === 'reasoning') return { type: part.type, content: part.text }
  if (part.type !== 'image') return part
  if ('data' in part) return toBlobPart(part.mediaType, part.data)
  const [, mediaType, data] = /^data:([^;,]*);base64,(.*)$/s.exec(part.url) ?? []
  return data === undefined ? { type: 'uri', modality: 'image', uri: part.url } : toBlobPart(mediaType, data)
}

const toBlobPart = (mime_type: string | undefined, content: string): object => ({ type: 'blob', modality: 'image', mime_type, content })

const toToolCallPart = ({ id, name, args }: ToolCall): object => ({ type: 'tool_call', id, name, arguments: args })
