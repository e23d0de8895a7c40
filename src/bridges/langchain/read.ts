import type { AssistantMessage, Message, Part, ToolCall } from '../../core/message.ts'
import { possibleUsage, type Usage } from '../../core/usage.ts'
import { isRecord } from '../../core/util/is-record.ts'
import { omitUndefined } from '../../core/util/omit-undefined.ts'

type Fields = Readonly<Record<string, unknown>>

const roles: Readonly<Record<string, Message['role']>> = {
  human: 'user',
  ai: 'assistant',
  system: 'system',
  developer: 'system',
  tool: 'tool',
  function: 'tool',
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
const records = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.filter(isRecord) : [])

/** Whether a value is a message of LangChain: an object of one of its classes, which all have a type and a content. */
const isLangChainMessage = (value: unknown): value is Fields & { readonly content: unknown } =>
  isRecord(value) && 'content' in value && 'lc_kwargs' in value && typeof typeOf(value) === 'string'

function typeOf(message: Fields): string | undefined {
  const { getType, _getType } = message as { readonly getType?: () => string; readonly _getType?: () => string }
  return text(message.type) ?? (getType ?? _getType)?.call(message)
}

/** Converts LangChain's messages in a value: the value itself, its items and its fields. Other values stay as they are. */
export function withOwnMessages(value: unknown): unknown {
  if (isLangChainMessage(value)) return readMessage(value)
  if (Array.isArray(value)) return value.some(isLangChainMessage) ? value.map(withOwnMessages) : value
  if (!isRecord(value)) return value
  // A prompt value.
  if ('messages' in value && 'lc_kwargs' in value) return withOwnMessages(value.messages)
  if (Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, isRecord(item) || Array.isArray(item) ? withOwnMessages(item) : item]),
  )
}

/** Converts a message of LangChain. A type that chaintap lacks, e.g. `generic`, becomes the user's. */
function readMessage(message: Fields): Message {
  const role = roles[typeOf(message) ?? ''] ?? 'user'
  const content = readContent(message.content)
  if (role === 'tool')
    return { role, content, toolCallId: text(message.tool_call_id) ?? '', ...(message.status === 'error' && { isError: true }) }
  return role === 'assistant' ? readAnswer(message, content) : { role, content }
}

function readAnswer(message: Fields, content: Message['content']): AssistantMessage {
  const facts: Fields = isRecord(message.response_metadata) ? message.response_metadata : {}
  const calls: readonly ToolCall[] = [
    ...records(message.tool_calls).map((call) => readCall(call)),
    ...records(message.invalid_tool_calls).map((call) => ({ ...readCall(call), isInvalid: true })),
  ]
  return omitUndefined({
    role: 'assistant',
    content,
    toolCalls: calls.length > 0 ? calls : undefined,
    stopReason: text(facts.stop_reason) ?? text(facts.finish_reason),
    usage: readUsage(message.usage_metadata),
    id: text(message.id),
    model: text(facts.model_name) ?? text(facts.model),
  }) as AssistantMessage
}

const readCall = ({ id, name, args }: Fields): ToolCall => ({
  id: text(id) ?? '',
  name: text(name) ?? '',
  args: args ?? {},
})

/** Converts LangChain's `usage_metadata`, or the older `tokenUsage`. */
export function readUsage(value: unknown): Usage | undefined {
  if (!isRecord(value)) return undefined
  const [input, output]: readonly Fields[] = ['input_token_details', 'output_token_details'].map((key) =>
    isRecord(value[key]) ? value[key] : {},
  )
  const usage = possibleUsage(
    omitUndefined({
      inputTokens: value.input_tokens ?? value.promptTokens,
      outputTokens: value.output_tokens ?? value.completionTokens,
      totalTokens: value.total_tokens ?? value.totalTokens,
      cacheReadTokens: input?.cache_read,
      cacheWriteTokens: input?.cache_creation,
      reasoningTokens: output?.reasoning,
    }) as Usage,
  )
  return Object.keys(usage).length > 0 ? usage : undefined
}

function readContent(content: unknown): Message['content'] {
  return Array.isArray(content) ? content.filter(isRecord).map(readPart) : (text(content) ?? '')
}

function readPart(block: Fields): Part {
  const { type, text: words, reasoning, thinking, signature, image_url, url, data, mimeType } = block
  if (type === 'text') return { type: 'text', text: text(words) ?? '' }
  if (type === 'reasoning' || type === 'thinking')
    return { type: 'reasoning', text: text(reasoning) ?? text(thinking) ?? '', ...(typeof signature === 'string' && { signature }) }
  const source = isRecord(image_url) ? image_url.url : (image_url ?? url)
  if ((type === 'image_url' || type === 'image') && typeof source === 'string') return { type: 'image', url: source }
  if (type === 'image' && typeof data === 'string') return { type: 'image', data, mediaType: text(mimeType) ?? 'image/png' }
  return { type: 'block', provider: 'langchain', block }
}
