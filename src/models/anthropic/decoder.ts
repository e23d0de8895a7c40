import type { Delta } from '../../core/delta.ts'
import type { Citation, Message } from '../../core/message.ts'
import { mergeUsage } from '../../core/usage.ts'
import { type JsonObject, parseJson } from '../../core/util/parse-json.ts'
import { type AnthropicUsage, anthropicCacheWrite1hTokens, anthropicUsage } from '../../tokens/usage/anthropic.ts'
import { ArgumentText } from '../argument-text.ts'
import { uniqueCallIds } from '../call-ids.ts'
import type { Decoder } from '../wire.ts'

interface WireBlock {
  readonly type?: string
  readonly text?: string
  readonly citations?: readonly Citation[] | null
  readonly thinking?: string
  readonly signature?: string
  readonly data?: string
  readonly id?: string
  readonly name?: string
  readonly input?: unknown
  /** Of a tool call: the caller, which is the model itself or, with its id, a tool that runs code. */
  readonly caller?: { readonly tool_id?: string } | null
  readonly toolset_name?: string | null
  /** Of a fallback: the model that continues the response. */
  readonly to?: WireMessage
}

interface WireDelta extends WireMessage {
  readonly type?: string
  readonly text?: string
  readonly thinking?: string
  readonly signature?: string
  readonly partial_json?: string
  readonly citation?: Citation
}

interface WireMessage {
  readonly id?: string
  readonly model?: string
  readonly content?: readonly WireBlock[]
  readonly container?: JsonObject | null
  readonly stop_reason?: string | null
  readonly stop_sequence?: string | null
  readonly stop_details?: JsonObject | null
  readonly usage?: AnthropicUsage
}

/** An event of a stream, or a whole message: the fields that are read. */
interface WireEvent extends WireMessage {
  readonly type?: string
  readonly index?: number
  readonly message?: WireMessage
  readonly content_block?: WireBlock
  readonly delta?: WireDelta
}

/**
 * Decodes one response of Anthropic, event by event. Unknown events are ignored, as Anthropic asks. A complete block of an unknown type is
 * kept, because it may have to be sent back.
 */
export class AnthropicDecoder implements Decoder {
  complete = false
  #usage: AnthropicUsage = {}
  readonly #ownedUsage = new WeakSet()
  #hourTokens: number | undefined
  #hasText = false
  readonly #uniqueId: (id: unknown) => string
  /** The open block, if it is a tool call or is emitted when complete, and the JSON of its input so far. */
  #openBlock: WireBlock | undefined
  #blockIndex = 0
  #inputJson = ''
  #callArguments = new ArgumentText()
  /** The latest tool calls. Their positions are emitted only if another block follows them. */
  readonly #unplacedCalls: WireBlock[] = []

  /** @param messages The conversation so far: ids of tool calls are unique in it. */
  constructor(messages: readonly Message[] = []) {
    this.#uniqueId = uniqueCallIds(messages)
  }

  extractText(event: unknown): string | undefined {
    const { type, delta } = Object(event) as WireEvent
    if (type === 'content_block_delta' && delta?.type === 'text_delta') return delta.text
  }

  decode(event: unknown): readonly Delta[] {
    const deltas: Delta[] = []
    const { type, index = 0, message = {}, content_block = {}, delta = {}, content, ...rest } = Object(event) as WireEvent
    if (type === 'message_start') this.#pushMetadata(message, deltas)
    if (type === 'content_block_start') this.#startBlock(content_block, index, deltas)
    if (type === 'content_block_delta') this.#addBlockDelta(delta, index, deltas)
    if (type === 'content_block_stop') this.#stopBlock(index, deltas)
    if (type === 'message_delta') this.#pushMetadata({ ...rest, ...delta }, deltas)
    if (type === 'message_stop') this.complete = true
    if (type === 'message' && Array.isArray(content)) {
      this.#pushMetadata(rest, deltas)
      for (const [position, block] of content.entries()) {
        this.#startBlock(block, position, deltas)
        this.#stopBlock(position, deltas)
      }
      this.complete = true
    }
    return deltas
  }

  #pushMetadata({ id, model, container, usage, stop_reason: reason, stop_details, stop_sequence }: WireMessage, deltas: Delta[]): void {
    // Merged in Anthropic's format: a later report may omit fields of an earlier one, and `inputTokens` is the sum of several fields.
    if (usage) this.#usage = mergeUsage(this.#usage, usage, this.#ownedUsage)
    const hours = anthropicCacheWrite1hTokens(this.#usage)
    const cacheWrite1hTokens = hours === this.#hourTokens ? undefined : hours
    this.#hourTokens = hours
    if (id || model || container || cacheWrite1hTokens) {
      const facts = { ...(id && { id }), ...(model && { model }), ...(cacheWrite1hTokens && { cacheWrite1hTokens }) }
      deltas.push({ type: 'meta', ...facts, ...(container && { extra: { container } }) })
    }
    if (usage) deltas.push({ type: 'usage', usage: anthropicUsage(this.#usage) })
    const details = stop_details ?? (stop_sequence && { stop_sequence })
    if (reason) deltas.push({ type: 'stop', reason, ...(details && { details }) })
  }

  /** Emits what a block holds at its start. In a whole response that is everything but the input of a tool call. */
  #startBlock(block: WireBlock, index: number, deltas: Delta[]): void {
    const { type, text, citations, name, caller, toolset_name, to } = block
    this.#openBlock = block
    this.#blockIndex = index
    this.#inputJson = ''
    if (type === 'tool_use') {
      const id = this.#uniqueId(block.id)
      this.#callArguments = new ArgumentText()
      this.#unplacedCalls.push({ ...block, id })
      if (toolset_name || caller?.tool_id) this.#pushCallPositions(deltas)
      deltas.push({ type: 'tool-call', index, id, ...(name && { name }) })
      return
    }
    this.#pushCallPositions(deltas)
    if (to) this.#pushMetadata(to, deltas)
    if (type === 'text') {
      if (this.#hasText) deltas.push({ type: 'break' })
      this.#hasText = true
      if (text) deltas.push({ type, text })
      for (const citation of citations ?? []) deltas.push({ type: 'citation', citation })
    } else if (type === 'thinking' || type === 'redacted_thinking') pushReasoning(block, deltas)
    else return
    this.#openBlock = undefined
  }

  /**
   * Emits the positions of tool calls that another block follows, as blocks without input. Thinking is bound to what precedes it: Anthropic
   * drops it if the order differs (`prefix_binding_mismatch`).
   */
  #pushCallPositions(deltas: Delta[]): void {
    for (const { input: _input, ...call } of this.#unplacedCalls.splice(0)) deltas.push(blockDelta(call))
  }

  #addBlockDelta(delta: WireDelta, index: number, deltas: Delta[]): void {
    const { type, partial_json: args, citation, ...rest } = delta
    const block = this.#openBlock
    const isCall = block?.type === 'tool_use'
    if (citation) deltas.push({ type: 'citation', citation })
    else if (type === 'input_json_delta') {
      // The first piece is often empty.
      if (!args) return
      if (isCall) pushArguments(this.#callArguments.add(args), index, deltas)
      else this.#inputJson += args
    } else if (type === 'thinking_delta' || type === 'signature_delta') pushReasoning(delta, deltas)
    else if (type === 'compaction_delta') Object.assign(block ?? {}, rest)
    // Anthropic would refuse an incomplete block.
    else if (!isCall) this.#openBlock = undefined
  }

  #stopBlock(index: number, deltas: Delta[]): void {
    const [block, json] = [this.#openBlock, this.#inputJson]
    if (!block?.type || index !== this.#blockIndex) return
    this.#openBlock = undefined
    if (block.type !== 'tool_use') deltas.push(blockDelta(json ? { ...block, input: parseJson(json) ?? block.input } : block))
    // A call without input deltas has the input of its start event. Empty input may be the sign of a response that was cut.
    else if (this.#callArguments.isEmpty) {
      const json = JSON.stringify(block.input ?? {})
      pushArguments(json === '{}' ? this.#callArguments.heldBack : json, index, deltas)
    }
  }
}

function pushArguments(args: string, index: number, deltas: Delta[]): void {
  if (args !== '') deltas.push({ type: 'tool-call', index, args })
}

function pushReasoning({ thinking = '', signature, data }: WireBlock, deltas: Delta[]): void {
  if (thinking || signature || data) {
    deltas.push({ type: 'reasoning', text: thinking, ...(signature && { signature }), ...(data && { redacted: data }) })
  }
}

const blockDelta = (block: object): Delta => ({ type: 'block', provider: 'anthropic', block: block as JsonObject })
