import type { AssistantMessage, CacheControl, Message, Part, ToolCall, ToolMessage } from '../../core/message.ts'
import type { JsonObject } from '../../core/util/parse-json.ts'
import { isToolSpec, type ToolSpec } from '../../schema/tool-spec.ts'
import type { WireRequest } from '../wire.ts'

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
  /** As Anthropic writes it: `{ type: 'adaptive', display: 'summarized' }`, `{ type: 'enabled', budget_tokens: 2_000 }`, `{ type: 'disabled' }`. */
  readonly thinking?: object
  /** Made by `tool()`, or as Anthropic writes them: `{ name, description, input_schema }`, or one of its server's tools. */
  readonly tools?: readonly (ToolSpec | object)[]
  /** `auto` (default), `any`, `none`, or as Anthropic writes it: `{ type: 'tool', name: 'weather', disable_parallel_tool_use: true }`. */
  readonly toolChoice?: 'auto' | 'any' | 'none' | object
  /** Has Anthropic cache all that it can: the last part that may be cached is marked so. Parts of messages can be marked one by one too. */
  readonly cacheControl?: CacheControl
  /**
   * Any other field of the request in Anthropic's words, over ours (LangChain's invocationKwargs): `output_config`, `metadata`,
   * `service_tier`, `container`, `mcp_servers`, `context_management` … What is in beta wants its `anthropic-beta` among the model's
   * `headers`. A model shows it, as it shows all its options.
   */
  readonly modelKwargs?: Readonly<Record<string, unknown>>
}

export const anthropicCallKeys: readonly (keyof AnthropicCallOptions)[] = [
  'model',
  'maxTokens',
  'temperature',
  'topP',
  'topK',
  'stop',
  'system',
  'thinking',
  'tools',
  'toolChoice',
  'cacheControl',
  'modelKwargs',
]

interface AnthropicRequestMessage {
  readonly role: 'user' | 'assistant'
  readonly content: JsonObject[]
}

/** A call of the Messages API, `POST /v1/messages`. */
export function anthropicRequest(messages: readonly Message[], options: AnthropicCallOptions, streaming: boolean): WireRequest {
  const { model = 'claude-sonnet-5-5', maxTokens = 4_096, toolChoice } = options
  return {
    path: '/v1/messages',
    body: {
      model,
      max_tokens: maxTokens,
      messages: toAnthropicMessages(messages),
      system: toSystemPrompt(messages, options.system),
      // JSON leaves out what is undefined.
      temperature: options.temperature,
      top_p: options.topP,
      top_k: options.topK,
      stop_sequences: options.stop,
      thinking: options.thinking,
      tools: options.tools?.map(toAnthropicTool),
      tool_choice: typeof toolChoice === 'string' ? { type: toolChoice } : toolChoice,
      cache_control: options.cacheControl,
      container: findContainerId(messages),
      ...options.modelKwargs,
      stream: streaming,
    },
  }
}

const toAnthropicTool = (tool: object): object =>
  isToolSpec(tool) ? { name: tool.name, description: tool.description, input_schema: tool.jsonSchema } : tool

/** System messages stand apart from the turns, wherever they were: one plain text as it is, else blocks. */
function toSystemPrompt(messages: readonly Message[], instructions = ''): unknown {
  const said = messages.flatMap(({ role, content }) => (role === 'system' ? contentBlocks(content) : []))
  const blocks = [...contentBlocks(instructions), ...said]
  return blocks.length > 1 || blocks[0]?.cache_control ? blocks : blocks[0]?.text
}

/** A turn that goes on, after a pause or with the results of tools, goes on in its container: Anthropic refuses it in another. */
function findContainerId(messages: readonly { readonly role: string; readonly extra?: AssistantMessage['extra'] }[]): unknown {
  const last = messages.findLast(({ role, extra }) => role === 'user' || extra?.container)
  return (last?.extra?.container as JsonObject | undefined)?.id
}

/** Neighbours of one role are one turn: so the results of several tool calls stand together, as Anthropic wants them. */
function toAnthropicMessages(messages: readonly Message[]): readonly AnthropicRequestMessage[] {
  const merged: AnthropicRequestMessage[] = []
  for (const message of messages) {
    if (message.role === 'system') continue
    const role = message.role === 'assistant' ? 'assistant' : 'user'
    const blocks = messageContentBlocks(message)
    const last = merged.at(-1)
    if (last?.role === role) last.content.push(...blocks)
    // An answer that was stopped before its first token says nothing, and Anthropic takes no empty turn.
    else if (blocks.length > 0) merged.push({ role, content: blocks })
  }
  return merged
}

function messageContentBlocks(message: Exclude<Message, { role: 'system' }>): JsonObject[] {
  if (message.role === 'assistant') return assistantBlocks(message)
  return message.role === 'user' ? contentBlocks(message.content) : [toolResultBlock(message)]
}

/** An answer as it came. Calls stand at its end, where no block of theirs says where they stand. */
function assistantBlocks({ content, toolCalls = [] }: AssistantMessage): JsonObject[] {
  const calls = toolCalls.map(toolUseBlock)
  const blocks = contentBlocks(content)
  return [
    ...blocks.map((block) => ({ ...block, ...calls.find(({ id }) => id === block.id) })),
    ...calls.filter(({ id }) => !blocks.some((block) => block.id === id)),
  ]
}

const toolUseBlock = ({ id, name, args }: ToolCall): JsonObject => ({
  type: 'tool_use',
  id,
  name,
  // Only an object is allowed for; arguments that did not parse are a string.
  input: typeof args === 'object' && args !== null ? args : { input: args },
})

function toolResultBlock({ content, toolCallId, isError }: ToolMessage): JsonObject {
  const blocks = contentBlocks(content)
  return { type: 'tool_result', tool_use_id: toolCallId, content: blocks.length > 0 ? blocks : undefined, is_error: isError }
}

const contentBlocks = (content: string | readonly Part[]): JsonObject[] =>
  typeof content === 'string' ? partBlocks({ type: 'text', text: content }) : content.flatMap(partBlocks)

function partBlocks(part: Part): JsonObject[] {
  switch (part.type) {
    case 'text': {
      const { text, citations, cacheControl: cache_control } = part
      // Refused: empty text, blanks alone, and the file of what is quoted, which Anthropic itself had told.
      const sent = citations?.map((citation) => ({ ...citation, file_id: undefined }))
      return text.trim() ? [{ type: 'text', text, citations: sent, cache_control }] : []
    }
    case 'reasoning':
      if (part.redacted) return [{ type: 'redacted_thinking', data: part.redacted }]
      // Without its signature Anthropic does not take its thinking back.
      return part.signature ? [{ type: 'thinking', thinking: part.text, signature: part.signature }] : []
    case 'image':
      return [{ type: 'image', source: imageSource(part), cache_control: part.cacheControl }]
    case 'block':
      return part.provider === 'anthropic' ? [part.block] : []
  }
}

function imageSource(image: Extract<Part, { type: 'image' }>): JsonObject {
  if ('data' in image) return { type: 'base64', media_type: image.mediaType, data: image.data }
  const [, mediaType, data] = /^data:([^;,]+);base64,(.*)$/s.exec(image.url) ?? []
  return data ? { type: 'base64', media_type: mediaType, data } : { type: 'url', url: image.url }
}
