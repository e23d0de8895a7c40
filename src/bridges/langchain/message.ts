// This file and those that it is used by are loaded on demand. They import only types: a shared module would be a chunk of its own in every bundle.
import type { AssistantMessage, Message, Part, ToolCall } from '../../core/message.ts'
import type { Usage } from '../../core/usage.ts'

/** LangChain's message classes recognise their objects by this symbol and by `type`, so that several copies of it can be loaded. */
const brand = Symbol.for('langchain.message')

const types = { system: 'system', user: 'human', assistant: 'ai', tool: 'tool' } as const
const labels = { system: 'System', human: 'Human', ai: 'AI', tool: 'Tool' } as const
const classNames = { system: 'SystemMessage', human: 'HumanMessage', ai: 'AIMessage', tool: 'ToolMessage' } as const

/** The fields that are not undefined. */
export const defined = (fields: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

/** A message as LangChain's handlers read it: `HumanMessage`, `AIMessage`, `SystemMessage` or `ToolMessage`. */
export class LangChainMessage {
  readonly lc_serializable = true
  readonly lc_namespace: readonly string[] = ['langchain_core', 'messages']
  readonly type: (typeof types)[keyof typeof types]
  readonly content: unknown
  readonly additional_kwargs: Readonly<Record<string, unknown>> = {}
  readonly response_metadata: Readonly<Record<string, unknown>>
  readonly id: string | undefined
  readonly name: string | undefined
  /** The fields that only some types have, as LangChain's constructor takes them. */
  readonly lc_kwargs: Readonly<Record<string, unknown>>

  constructor(message: Message) {
    Object.defineProperty(this, brand, { value: true })
    this.type = types[message.role]
    this.content = contentOf(message.content)
    this.response_metadata = message.role === 'assistant' ? responseMetadata(message) : {}
    this.id = message.role === 'assistant' ? message.id : undefined
    const own = ownFields(message)
    Object.assign(this, own)
    const { content, additional_kwargs, response_metadata, id } = this
    this.lc_kwargs = defined({ content, additional_kwargs, response_metadata, id, ...own })
  }

  get lc_id(): string[] {
    return [...this.lc_namespace, classNames[this.type]]
  }

  get text(): string {
    const { content } = this
    return typeof content === 'string' ? content : (content as readonly { text?: string }[]).map(({ text = '' }) => text).join('')
  }

  /** As LangChain writes messages for handlers that take text: `Human: hello`. */
  toString(): string {
    return `${labels[this.type]}: ${this.text}`
  }

  getType(): string {
    return this.type
  }

  _getType(): string {
    return this.type
  }

  toDict(): object {
    return { type: this.type, data: this.lc_kwargs }
  }

  toJSON(): object {
    return { lc: 1, type: 'constructor', id: this.lc_id, kwargs: this.lc_kwargs }
  }
}

/** Whether a value is a message of ours. */
export function isOwnMessage(value: unknown): value is Message {
  const { role, content } = Object(value) as { readonly role?: unknown; readonly content?: unknown }
  return typeof role === 'string' && Object.hasOwn(types, role) && content !== undefined
}

function ownFields(message: Message): Readonly<Record<string, unknown>> {
  if (message.role === 'tool') return { tool_call_id: message.toolCallId, status: message.isError ? 'error' : 'success' }
  if (message.role !== 'assistant') return {}
  const calls = message.toolCalls ?? []
  return defined({
    tool_calls: calls.filter(({ isInvalid }) => !isInvalid).map(({ id, name, args }) => ({ id, name, args, type: 'tool_call' })),
    invalid_tool_calls: calls.filter(({ isInvalid }) => isInvalid).map(invalidCall),
    usage_metadata: message.usage && usageMetadata(message.usage),
  })
}

const invalidCall = ({ id, name, args }: ToolCall): object => ({
  id,
  name,
  args: typeof args === 'string' ? args : JSON.stringify(args),
  error: 'The arguments are not valid JSON.',
  type: 'invalid_tool_call',
})

/** LangChain's form of a usage. Absent figures of the three required fields are 0 there. */
function usageMetadata(usage: Usage): object {
  const { inputTokens = 0, outputTokens = 0, totalTokens = inputTokens + outputTokens } = usage
  return {
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    total_tokens: totalTokens,
    input_token_details: defined({ cache_read: usage.cacheReadTokens, cache_creation: usage.cacheWriteTokens }),
    output_token_details: defined({ reasoning: usage.reasoningTokens }),
  }
}

const responseMetadata = ({ model, stopReason, extra }: AssistantMessage): Readonly<Record<string, unknown>> =>
  defined({ model_name: model, model, finish_reason: stopReason, stop_reason: stopReason, ...extra })

function contentOf(content: Message['content']): unknown {
  return typeof content === 'string' ? content : content.map(contentBlock)
}

function contentBlock(part: Part): object {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text, ...(part.citations && { annotations: part.citations }) }
    case 'reasoning':
      return defined({ type: 'reasoning', reasoning: part.text, signature: part.signature })
    case 'image':
      return { type: 'image_url', image_url: { url: 'url' in part ? part.url : `data:${part.mediaType};base64,${part.data}` } }
    case 'block':
      return part.block
  }
}
