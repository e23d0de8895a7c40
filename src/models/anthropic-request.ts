import type { AssistantMessage, Message, Part } from '../core/message.ts'
import type { WireRequest } from './wire.ts'

/** What one call may be asked with; `bind` takes them too. Where a field is left out, Anthropic's own default holds. */
export interface AnthropicCallOptions {
  /** Default `claude-sonnet-5-5`. */
  readonly model?: string
  /** Most tokens of the answer, thinking included. Anthropic wants it said: default 4,096, which every model allows. */
  readonly maxTokens?: number
  /** 0 to 1. */
  readonly temperature?: number
  /** 0 to 1. */
  readonly topP?: number
  readonly topK?: number
  /** The answer ends before any of these. */
  readonly stop?: readonly string[]
  /** Instructions, before those of system messages. */
  readonly system?: string
  /** E.g. `{ type: 'enabled', budget_tokens: 2_000 }`, as Anthropic writes it. */
  readonly thinking?: object
  /** As Anthropic writes them: `{ name, description, input_schema }`, or one of its server's tools. */
  readonly tools?: readonly object[]
  /** `auto` (default), `any`, `none`, or as Anthropic writes it: `{ type: 'tool', name: 'weather' }`. */
  readonly toolChoice?: 'auto' | 'any' | 'none' | object
}

const callKeys = ['model', 'maxTokens', 'temperature', 'topP', 'topK', 'stop', 'system', 'thinking', 'tools', 'toolChoice'] as const

/** These options alone: what is beside them may be secret, and a model shows its options. */
export const callOptions = (options: AnthropicCallOptions): AnthropicCallOptions =>
  Object.fromEntries(callKeys.map((key) => [key, options[key]]))

/** A piece of content as Anthropic writes it. */
type Block = Readonly<Record<string, unknown>>

interface Turn {
  readonly role: 'user' | 'assistant'
  readonly content: Block[]
}

/** A call of the Messages API, `POST /v1/messages`. */
export function anthropicRequest(messages: readonly Message[], options: AnthropicCallOptions, streaming: boolean): WireRequest {
  const { model = 'claude-sonnet-5-5', maxTokens = 4_096, temperature, topP, topK, stop, thinking, tools, toolChoice } = options
  return {
    path: '/v1/messages',
    body: {
      model,
      max_tokens: maxTokens,
      messages: turnsOf(messages),
      system: systemOf(messages, options.system),
      // JSON leaves out what is undefined.
      temperature,
      top_p: topP,
      top_k: topK,
      stop_sequences: stop,
      thinking,
      tools,
      tool_choice: typeof toolChoice === 'string' ? { type: toolChoice } : toolChoice,
      stream: streaming,
    },
  }
}

/** System messages stand apart from the turns, wherever they were: one plain text as it is, else blocks. */
function systemOf(messages: readonly Message[], instructions = ''): unknown {
  const said = messages.flatMap(({ role, content }) => (role === 'system' ? contentBlocks(content) : []))
  const blocks = [...contentBlocks(instructions), ...said]
  return blocks.length > 1 || blocks[0]?.cache_control ? blocks : blocks[0]?.text
}

/** Neighbours of one role are one turn: so the results of several tool calls stand together, as Anthropic wants them. */
function turnsOf(messages: readonly Message[]): readonly Turn[] {
  const turns: Turn[] = []
  for (const message of messages) {
    if (message.role === 'system') continue
    const role = message.role === 'assistant' ? 'assistant' : 'user'
    const blocks = blocksOf(message)
    const last = turns.at(-1)
    if (last?.role === role) last.content.push(...blocks)
    // An answer that was stopped before its first token says nothing, and Anthropic takes no empty turn.
    else if (blocks.length > 0) turns.push({ role, content: blocks })
  }
  return turns
}

function blocksOf(message: Exclude<Message, { role: 'system' }>): Block[] {
  const content = contentBlocks(message.content)
  if (message.role === 'assistant') return [...content, ...callsOf(message)]
  if (message.role === 'user') return content
  const { toolCallId, isError } = message
  return [{ type: 'tool_result', tool_use_id: toolCallId, ...(content.length > 0 && { content }), ...(isError && { is_error: true }) }]
}

const callsOf = ({ toolCalls = [] }: AssistantMessage): Block[] =>
  toolCalls.map(({ id, name, args }) => ({
    type: 'tool_use',
    id,
    name,
    // Only an object is allowed for; arguments that did not parse are a string.
    input: typeof args === 'object' && args !== null ? args : { input: args },
  }))

const contentBlocks = (content: string | readonly Part[]): Block[] =>
  typeof content === 'string' ? blocksOfPart({ type: 'text', text: content }) : content.flatMap(blocksOfPart)

function blocksOfPart(part: Part): Block[] {
  switch (part.type) {
    case 'text':
      // Empty text is refused.
      return part.text ? [{ type: 'text', text: part.text, ...(part.cacheControl && { cache_control: part.cacheControl }) }] : []
    case 'reasoning':
      if (part.redacted) return [{ type: 'redacted_thinking', data: part.redacted }]
      // Without its signature Anthropic does not take its thinking back.
      return part.signature ? [{ type: 'thinking', thinking: part.text, signature: part.signature }] : []
    case 'image':
      return [{ type: 'image', source: imageSource(part) }]
  }
}

function imageSource(image: Extract<Part, { type: 'image' }>): Block {
  if ('data' in image) return { type: 'base64', media_type: image.mediaType, data: image.data }
  const [, mediaType, data] = /^data:([^;,]+);base64,(.*)$/s.exec(image.url) ?? []
  return data ? { type: 'base64', media_type: mediaType, data } : { type: 'url', url: image.url }
}
