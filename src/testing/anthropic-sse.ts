import type { Usage } from '../core/usage.ts'
import type { JsonObject } from '../core/util/parse-json.ts'

/** A response of Anthropic's Messages API. */
export interface AnthropicAnswer {
  /** Text in tokens, one `text_delta` per item. */
  readonly text?: readonly string[]
  /** A thinking block before the text, one `thinking_delta` per item. */
  readonly reasoning?: readonly string[]
  /** The signature that ends the thinking block. */
  readonly signature?: string
  /**
   * Blocks before the text, of any type, in the form they have in a whole message: server tools and their results, texts with citations,
   * thinking between tool calls. In a stream they come in the pieces in which the API sends them.
   */
  readonly blocks?: readonly JsonObject[]
  /** Tool calls after the text. `args` is any JSON. */
  readonly toolCalls?: readonly { readonly id: string; readonly name: string; readonly args: unknown }[]
  /** Usage as the library defines it: `inputTokens` includes cached input. Absent figures are not reported. */
  readonly usage?: Usage
  /**
   * The stop reason.
   *
   * @defaultValue 'tool_use' if there are tool calls, otherwise 'end_turn'
   */
  readonly stopReason?: string
  /** Details of the stop reason, e.g. of a refusal: `{ type: 'refusal', category: 'bio', explanation: null }`. */
  readonly stopDetails?: JsonObject
  /** The container in which the server's tools ran, e.g. `{ id: 'container_1', expires_at: '2027-01-01T00:00:00Z' }`. */
  readonly container?: JsonObject
  /**
   * The model's name.
   *
   * @defaultValue 'claude-scripted'
   */
  readonly model?: string
  /**
   * The id of the response.
   *
   * @defaultValue 'msg_scripted'
   */
  readonly id?: string
  /** An error event after the blocks, in place of the end. Without anything else it is the body of an error response. */
  readonly error?: { readonly type: string; readonly message: string }
}

type ScriptedAnthropicEvent = JsonObject & { readonly type: string }
type AnthropicUsageJson = JsonObject & { readonly output_tokens: number | undefined; readonly output_tokens_details: unknown }

interface ScriptedBlock {
  /** The block of a whole message. */
  readonly whole: JsonObject
  /** The block as it begins in a stream. */
  readonly start: JsonObject
  readonly deltas: readonly JsonObject[]
}

/**
 * Returns a streamed response of Anthropic's Messages API: its server-sent events, pings included, one string per event.
 *
 * @see https://docs.anthropic.com/en/api/messages-streaming
 *
 * @example
 * const fetch = faultyFetch({ body: anthropicSse({ text: ['Hel', 'lo'], usage: { inputTokens: 3, outputTokens: 2 } }) })
 */
export function anthropicSse(answer: AnthropicAnswer): string[] {
  const blocks = scriptedBlocks(answer).flatMap(blockEvents)
  const events = [{ type: 'message_start', message: messageStart(answer) }, ...blocks, ...endEvents(answer)]
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
}

/**
 * Returns the same response as one JSON message, which the API sends if no stream is requested. With `error` it is the body of an error
 * response.
 *
 * @example
 * const error = { type: 'overloaded_error', message: 'Overloaded' }
 * const fetch = faultyFetch({ status: 529, body: JSON.stringify(anthropicJson({ error })) })
 */
export function anthropicJson(answer: AnthropicAnswer): Readonly<Record<string, unknown>> {
  if (answer.error) return { type: 'error', error: answer.error }
  return {
    ...messageEnvelope(answer),
    content: scriptedBlocks(answer).map(({ whole }) => whole),
    ...stopFields(answer),
    usage: anthropicUsageJson(answer),
  }
}

const messageEnvelope = ({ id = 'msg_scripted', model = 'claude-scripted' }: AnthropicAnswer): JsonObject => ({
  id,
  type: 'message',
  role: 'assistant',
  model,
  stop_reason: null,
  stop_sequence: null,
})

/** The message as it begins in a stream. Its output tokens are not counted yet. */
function messageStart(answer: AnthropicAnswer): JsonObject {
  const usage = anthropicUsageJson(answer)
  return { ...messageEnvelope(answer), content: [], usage: usage && { ...usage, output_tokens: usage.output_tokens && 1 } }
}

function endEvents(answer: AnthropicAnswer): readonly ScriptedAnthropicEvent[] {
  const { error } = answer
  if (error) return [{ type: 'error', error }]
  const whole = anthropicUsageJson(answer)
  const usage = whole && { output_tokens: whole.output_tokens, output_tokens_details: whole.output_tokens_details }
  return [{ type: 'message_delta', delta: stopFields(answer), usage }, { type: 'message_stop' }]
}

/** The fields at the end of a stream, and of a whole message. JSON.stringify omits undefined fields. */
const stopFields = ({ stopReason, toolCalls = [], stopDetails, container }: AnthropicAnswer): JsonObject => ({
  stop_reason: stopReason ?? (toolCalls.length > 0 ? 'tool_use' : 'end_turn'),
  stop_sequence: null,
  stop_details: stopDetails,
  container,
})

const scriptedBlocks = ({ reasoning, signature = '', blocks = [], text, toolCalls = [] }: AnthropicAnswer): readonly ScriptedBlock[] => [
  ...(reasoning ? [toScriptedBlock({ type: 'thinking', thinking: reasoning.join(''), signature }, reasoning)] : []),
  ...blocks.map((block) => toScriptedBlock(block)),
  ...(text ? [toScriptedBlock({ type: 'text', text: text.join('') }, text)] : []),
  ...toolCalls.map(({ id, name, args }) => toScriptedBlock({ type: 'tool_use', id, name, input: args })),
]

/** Cuts a block into pieces: these, or pieces of 8 characters. */
function toScriptedBlock(whole: JsonObject, pieces?: readonly string[]): ScriptedBlock {
  const { type, text, citations, thinking, signature, content = null, encrypted_content } = whole
  if (type === 'text') {
    const sources = (citations ?? []) as readonly JsonObject[]
    return {
      whole,
      start: { ...whole, text: '', citations: citations && [] },
      deltas: [
        ...(pieces ?? splitIntoPieces(text)).map((text) => ({ type: 'text_delta', text })),
        ...sources.map((citation) => ({ type: 'citations_delta', citation })),
      ],
    }
  }
  if (type === 'thinking') {
    const deltas = (pieces ?? splitIntoPieces(thinking)).map((thinking) => ({ type: 'thinking_delta', thinking }))
    return {
      whole,
      start: { ...whole, thinking: '', signature: '' },
      deltas: signature ? [...deltas, { type: 'signature_delta', signature }] : deltas,
    }
  }
  if (type === 'compaction') {
    return { whole, start: { ...whole, content: null }, deltas: [{ type: 'compaction_delta', content, encrypted_content }] }
  }
  if (!('input' in whole)) return { whole, start: whole, deltas: [] }
  // The API begins with an empty piece and cuts the JSON at any character.
  const json = ['', ...splitIntoPieces(JSON.stringify(whole.input))]
  return { whole, start: { ...whole, input: {} }, deltas: json.map((partial_json) => ({ type: 'input_json_delta', partial_json })) }
}

const splitIntoPieces = (value: unknown): readonly string[] => String(value).match(/.{1,8}/gsu) ?? []

function blockEvents({ start, deltas }: ScriptedBlock, index: number): readonly ScriptedAnthropicEvent[] {
  return [
    { type: 'content_block_start', index, content_block: start },
    ...(index === 0 ? [{ type: 'ping' }] : []),
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ]
}

/** Usage in Anthropic's format, where the input excludes tokens read from and written to the cache. */
function anthropicUsageJson({ usage }: AnthropicAnswer): AnthropicUsageJson | undefined {
  if (!usage) return
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens } = usage
  return {
    input_tokens: inputTokens && inputTokens - (cacheReadTokens ?? 0) - (cacheWriteTokens ?? 0),
    cache_creation_input_tokens: cacheWriteTokens,
    cache_read_input_tokens: cacheReadTokens,
    output_tokens: outputTokens,
    output_tokens_details: reasoningTokens === undefined ? undefined : { thinking_tokens: reasoningTokens },
  }
}
