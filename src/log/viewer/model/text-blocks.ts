import type { Message, Part } from '../../../core/message.ts'
import { causeChain } from '../../../core/util/cause-chain.ts'

/** A text with an optional label above it. */
export interface TextBlock {
  readonly label?: string
  readonly text: string
}

/** Converts a value to texts: messages one by one, errors with their causes, strings unchanged, other values as JSON. */
export function toTextBlocks(value: unknown): readonly TextBlock[] {
  if (value instanceof Error) return errorBlocks(value)
  const values = Array.isArray(value) && value.length > 0 ? value : [value]
  return values.every(isDisplayableMessage) ? values.flatMap(messageBlocks) : [{ text: valueText(value) }]
}

const isNonNullObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null

/** Whether a value is a message of chaintap; messages in other formats are displayed as JSON. */
const isDisplayableMessage = (value: unknown): value is Message =>
  isNonNullObject(value) &&
  typeof value.role === 'string' &&
  (typeof value.content === 'string' || isListOf(value.content, (part) => typeof part.type === 'string')) &&
  (value.toolCalls === undefined || isListOf(value.toolCalls, (call) => typeof call.name === 'string'))

const isListOf = (value: unknown, check: (item: Readonly<Record<string, unknown>>) => boolean): boolean =>
  Array.isArray(value) && value.every((item) => isNonNullObject(item) && check(item))

function messageBlocks(message: Message): readonly TextBlock[] {
  const { role, content } = message
  const parts: readonly Part[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content
  const calls = ('toolCalls' in message && message.toolCalls) || []
  const blocks = parts.map((part) => ({ label: part.type === 'text' ? role : `${role}: ${part.type}`, text: partText(part) }))
  return [
    ...(calls.length > 0 ? blocks.filter(({ text }) => text !== '') : blocks),
    ...calls.map(({ name, args }) => ({ label: `${role}: tool call ${name}`, text: valueText(args) })),
  ]
}

function partText(part: Part): string {
  const { type, text, url, data, mediaType } = part as Readonly<Record<string, unknown>>
  if ((type === 'text' || type === 'reasoning') && typeof text === 'string') return text
  if (type === 'image' && typeof url === 'string') return url.slice(0, 200)
  if (type === 'image' && typeof data === 'string') return `${String(mediaType)}, ${data.length} characters of base64`
  return valueText(part)
}

function errorBlocks(error: unknown): readonly TextBlock[] {
  const blocks = causeChain(error).map((at, depth) => ({ text: valueText(at), ...(depth > 0 && { label: 'caused by' }) }))
  const parts: readonly unknown[] = error instanceof AggregateError ? error.errors : []
  return [...blocks, ...parts.map((part) => ({ label: 'inner error', text: valueText(part) }))]
}

/** Converts any value to text. Values read from a log have no cycles. */
export function valueText(value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof Error) {
    const facts = Object.entries(value).filter(([key, fact]) => key !== 'name' && key !== 'cause' && fact !== undefined)
    return [`${value.name}: ${value.message}`, ...facts.map(([key, fact]) => `${key}: ${valueText(fact)}`)].join('\n')
  }
  return JSON.stringify(value, displayReplacer, 2) ?? String(value)
}

/** Converts values that JSON cannot represent. */
function displayReplacer(_key: string, value: unknown): unknown {
  if (value instanceof Error) return valueText(value)
  if (value instanceof Map || value instanceof Set) return [...value]
  return typeof value === 'bigint' || value === undefined ? String(value) : value
}
