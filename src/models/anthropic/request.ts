import type { AssistantMessage, CacheControl, Message, Part, Role, ToolCall, ToolMessage } from '../../core/message.ts'
import type { JsonObject } from '../../core/util/parse-json.ts'
import { withAcceptedIds } from '../../messages/accepted-ids.ts'
import { argumentsObject } from '../../messages/arguments.ts'
import { imageSource } from '../../messages/image-source.ts'
import { invalidMessageError, unsupportedPartError } from '../../messages/invalid-message.ts'
import { pairToolResults } from '../../messages/pair-tool-results.ts'
import { isToolSpec, type ToolSpec } from '../../schema/tool-spec.ts'
import type { WireRequest } from '../wire.ts'

/** Options of one call, also accepted by `bind`. For an absent option Anthropic's own default applies. */
export interface AnthropicCallOptions {
  /**
   * The model's name.
   *
   * @defaultValue 'claude-sonnet-5-5'
   */
  readonly model?: string
  /**
   * Maximum tokens of the output, thinking included. Anthropic requires it; every model allows the default.
   *
   * @defaultValue 4_096
   */
  readonly maxTokens?: number
  /** Sampling temperature, 0 to 1. */
  readonly temperature?: number
  /** Nucleus sampling: the probability mass of the tokens to sample from, 0 to 1. */
  readonly topP?: number
  /** Samples only from this many most likely tokens. */
  readonly topK?: number
  /** Stop sequences: the output ends before the first of them. */
  readonly stop?: readonly string[]
  /** The system prompt. Precedes the system messages of the input. */
  readonly system?: string
  /** Thinking in Anthropic's format: `{ type: 'adaptive', display: 'summarized' }` or `{ type: 'enabled', budget_tokens: 2_000 }`. */
  readonly thinking?: object
  /** Tools made by `tool()`, or in Anthropic's format: `{ name, description, input_schema }`, or one of its server tools. */
  readonly tools?: readonly (ToolSpec | object)[]
  /**
   * `auto`, `any`, `none`, or Anthropic's format: `{ type: 'tool', name: 'weather', disable_parallel_tool_use: true }`.
   *
   * @defaultValue 'auto'
   */
  readonly toolChoice?: 'auto' | 'any' | 'none' | object
  /** Asks Anthropic to cache as much of the request as it can. Parts of messages can be marked one by one instead. */
  readonly cacheControl?: CacheControl
  /**
   * Further fields of the request in Anthropic's format, which override the others (LangChain's invocationKwargs): `output_config`,
   * `metadata`, `service_tier`, `container`, `mcp_servers`, `context_management` … A beta feature needs its `anthropic-beta` header among
   * the model's `headers`. Like all options it is a visible property of the model: put no secrets in it.
   */
  readonly modelKwargs?: Readonly<Record<string, unknown>>
}

/** The model of calls that name none. */
export const defaultAnthropicModel = 'claude-sonnet-5-5'

/** The keys of {@link AnthropicCallOptions}. */
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

/**
 * Builds a request to the Messages API, `POST /v1/messages`.
 *
 * @throws ChaintapError `invalid_message` for a part that Anthropic has no form for, and without a message that is not empty.
 */
export function anthropicRequest(messages: readonly Message[], options: AnthropicCallOptions, streaming: boolean): WireRequest {
  const { model = defaultAnthropicModel, maxTokens = 4_096, tools, toolChoice } = options
  return {
    path: '/v1/messages',
    body: {
      model,
      max_tokens: maxTokens,
      messages: toAnthropicMessages(messages),
      system: toSystemPrompt(messages, options.system),
      // JSON.stringify omits undefined fields.
      temperature: options.temperature,
      top_p: options.topP,
      top_k: options.topK,
      stop_sequences: options.stop,
      thinking: options.thinking,
      // Anthropic refuses a choice without tools.
      ...(tools?.length !== 0 && {
        tools: tools?.map(toAnthropicTool),
        tool_choice: typeof toolChoice === 'string' ? { type: toolChoice } : toolChoice,
      }),
      cache_control: options.cacheControl,
      container: findContainerId(messages),
      ...options.modelKwargs,
      stream: streaming,
    },
  }
}

const toAnthropicTool = (tool: object): object =>
  isToolSpec(tool) ? { name: tool.name, description: tool.description, input_schema: tool.jsonSchema } : tool

/** Joins all system messages, which Anthropic takes apart from the turns: as a string if there is one plain text, otherwise as blocks. */
function toSystemPrompt(messages: readonly Message[], instructions = ''): unknown {
  const messageBlocks = messages.flatMap(({ role, content }) => (role === 'system' ? contentBlocks(content, role) : []))
  const blocks = [...contentBlocks(instructions, 'system'), ...messageBlocks]
  return blocks.length > 1 || blocks[0]?.cache_control ? blocks : blocks[0]?.text
}

/** Returns the container of a turn that continues after a pause or with tool results: Anthropic refuses to continue it in another. */
function findContainerId(messages: readonly { readonly role: string; readonly extra?: AssistantMessage['extra'] }[]): unknown {
  const last = messages.findLast(({ role, extra }) => role === 'user' || extra?.container)
  return (last?.extra?.container as JsonObject | undefined)?.id
}

/** Merges adjacent messages of one role into one turn: the results of tools come together and first in it, as Anthropic requires. */
function toAnthropicMessages(messages: readonly Message[]): readonly AnthropicRequestMessage[] {
  const merged: AnthropicRequestMessage[] = []
  for (const message of pairToolResults(withAcceptedIds(messages, /^[\w-]{1,64}$/)).filter(({ role }) => role !== 'system')) {
    const role = message.role === 'assistant' ? 'assistant' : 'user'
    const blocks = messageContentBlocks(message)
    const last = merged.at(-1)
    if (last?.role === role) last.content.push(...blocks)
    // Anthropic refuses an empty turn, e.g. a response that was stopped before its first token.
    else if (blocks.length > 0) merged.push({ role, content: blocks })
  }
  if (merged.length === 0) throw invalidMessageError('Anthropic requires a message that is not empty besides system messages: pass a text.')
  const prefill = merged.at(-1)?.role === 'assistant' ? merged.at(-1)?.content : undefined
  const end = prefill?.at(-1)
  // Anthropic refuses an answer to continue that ends with a blank.
  if (prefill && end?.type === 'text') prefill[prefill.length - 1] = { ...end, text: String(end.text).trimEnd() }
  return merged
}

function messageContentBlocks(message: Message): JsonObject[] {
  if (message.role === 'assistant') return assistantBlocks(message)
  return message.role === 'tool' ? [toolResultBlock(message)] : contentBlocks(message.content, message.role)
}

/** Restores the blocks of a response. A tool call takes the position of its block; without one it follows the content. */
function assistantBlocks({ content, toolCalls = [] }: AssistantMessage): JsonObject[] {
  const calls = toolCalls.map(toolUseBlock)
  const blocks = contentBlocks(content, 'assistant')
  return [
    ...blocks.map((block) => ({ ...block, ...calls.find(({ id }) => id === block.id) })),
    ...calls.filter(({ id }) => !blocks.some((block) => block.id === id)),
  ]
}

const toolUseBlock = ({ id, name, args }: ToolCall): JsonObject => ({ type: 'tool_use', id, name, input: argumentsObject(args) })

function toolResultBlock({ content, toolCallId, isError }: ToolMessage): JsonObject {
  const blocks = contentBlocks(content, 'tool')
  return { type: 'tool_result', tool_use_id: toolCallId, content: blocks.length > 0 ? blocks : undefined, is_error: isError }
}

const contentBlocks = (content: string | readonly Part[], role: Role): JsonObject[] =>
  typeof content === 'string' ? partBlocks({ type: 'text', text: content }, role) : content.flatMap((part) => partBlocks(part, role))

function partBlocks(part: Part, role: Role): JsonObject[] {
  const isAnswer = role === 'assistant'
  switch (part.type) {
    case 'text': {
      const { text, citations, cacheControl: cache_control } = part
      // Anthropic refuses empty text, blank text, and the file_id of a citation, although it sent that id itself.
      const accepted = citations?.map((citation) => ({ ...citation, file_id: undefined }))
      return text.trim() ? [{ type: 'text', text, citations: accepted, cache_control }] : []
    }
    case 'reasoning':
      if (!isAnswer) break
      if (part.redacted) return [{ type: 'redacted_thinking', data: part.redacted }]
      // Anthropic refuses thinking without its signature.
      return part.signature ? [{ type: 'thinking', thinking: part.text, signature: part.signature }] : []
    case 'image':
      if (isAnswer || role === 'system') break
      return [{ type: 'image', source: imageBlockSource(part), cache_control: part.cacheControl }]
    case 'block':
      if (part.provider === 'anthropic') return [part.block]
      // Working notes of another provider's model.
      if (isAnswer) return []
  }
  throw unsupportedPartError("Anthropic's format", part, role)
}

function imageBlockSource(part: Extract<Part, { type: 'image' }>): JsonObject {
  const source = imageSource(part)
  return 'url' in source ? { type: 'url', url: source.url } : { type: 'base64', media_type: source.mediaType, data: source.data }
}
