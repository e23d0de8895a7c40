import type { Delta } from '../../core/delta.ts'
import type { Message } from '../../core/message.ts'
import { mergeUsage } from '../../core/usage.ts'
import { isRecord } from '../../core/util/is-record.ts'
import { type JsonObject, parseJson } from '../../core/util/parse-json.ts'
import { type AnthropicUsage, anthropicCacheWrite1hTokens, anthropicUsage } from '../../tokens/usage/anthropic.ts'
import { ArgumentText } from '../argument-text.ts'
import { uniqueCallIds } from '../call-ids.ts'
import type { Decoder } from '../wire.ts'
import { typeOfDelta, type WireBlock, type WireDelta, type WireEvent, type WireMessage } from './events.ts'
import { blockOfMisplacedInput, type OpenBlock, pushArguments } from './open-blocks.ts'

/**
 * Decodes one response of Anthropic, event by event. Unknown events are ignored, as Anthropic asks. A complete block of an unknown type is
 * kept, because it may have to be sent back.
 *
 * Compatible servers open several blocks at once, number them all 0, and repeat `message_start` or the first text of a block.
 */
export class AnthropicDecoder implements Decoder {
  complete = false
  #id = ''
  #usage: AnthropicUsage = {}
  readonly #ownedUsage = new WeakSet()
  #hourTokens: number | undefined
  #hasContent = false
  /** The content of message_start, if it has some: Anthropic's is empty. It is the answer if no block follows. */
  #startContent: WireMessage['content']
  #hasText = false
  readonly #uniqueId: (id: unknown) => string
  /** The text in the start of a text block: the first delta may repeat it (MiniMax). */
  #startText = ''
  #calls = 0
  /** By index. */
  readonly #openBlocks = new Map<number, OpenBlock>()
  /** Whether an index of input was that of no open block: then all input belongs to the last one. */
  #ignoresIndex = false
  /** The latest tool calls. Their positions are emitted only if another block follows them. */
  readonly #unplacedCalls: WireBlock[] = []

  /** @param messages The conversation so far: ids of tool calls are unique in it. */
  constructor(messages: readonly Message[] = []) {
    this.#uniqueId = uniqueCallIds(messages)
  }

  extractText(event: unknown): string | undefined {
    const { type, delta } = Object(event) as WireEvent
    if (type === 'content_block_delta' && delta?.type === 'text_delta' && !this.#startText) return delta.text
  }

  decode(event: unknown): readonly Delta[] {
    const deltas: Delta[] = []
    const { type, index, message, content_block, delta, ...rest } = Object(event) as WireEvent
    if (type === 'message_start') this.#startMessage(message ?? {}, deltas)
    if (type === 'content_block_start') this.#startBlock(content_block ?? {}, index ?? 0, deltas)
    if (type === 'content_block_delta') this.#addBlockDelta(delta ?? {}, index, deltas)
    if (type === 'content_block_stop') this.#stopBlock(index ?? 0, deltas)
    if (type === 'message_delta') {
      if (delta?.stop_reason) this.#pushStartContent(deltas)
      if (delta?.stop_reason === 'tool_use' && !this.#hasContent) throw new Error('stop_reason tool_use without a tool call')
      this.#pushMetadata({ ...rest, ...delta }, deltas)
      // Some compatible servers send no message_stop.
      this.complete ||= Boolean(delta?.stop_reason)
    }
    if (type === 'message_stop' || event === '[DONE]') this.#stopMessage(deltas)
    if (type === 'message' || rest.role === 'assistant') this.#decodeMessage(rest, deltas)
    return deltas
  }

  /** Another message within this one is a second attempt of a proxy: merged, the two would be neither. */
  #startMessage(message: WireMessage, deltas: Delta[]): void {
    const { id } = message
    const isOther = id && this.#id && id !== this.#id
    if (isOther && this.#hasContent && !this.complete) throw new Error('message_start of another message before the end of this one')
    this.#id = id || this.#id
    if (message.content?.length) this.#startContent = message.content
    this.#pushMetadata(message, deltas)
  }

  #stopMessage(deltas: Delta[]): void {
    this.#pushStartContent(deltas)
    this.complete ||= this.#hasContent
    for (const [index, { block }] of this.#openBlocks)
      if (isRecord(block.input) && Object.keys(block.input).length > 0) this.#stopBlock(index, deltas)
  }

  #decodeMessage(message: WireMessage, deltas: Delta[]): void {
    const { content } = message
    if (!Array.isArray(content) && typeof content !== 'string') return
    this.#pushMetadata(message, deltas)
    this.#pushContent(content, deltas)
    this.complete = true
  }

  #pushStartContent(deltas: Delta[]): void {
    if (!this.#hasContent && this.#startContent) this.#pushContent(this.#startContent, deltas)
  }

  #pushContent(content: readonly WireBlock[] | string, deltas: Delta[]): void {
    const blocks: readonly WireBlock[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content
    for (const [position, block] of blocks.entries()) {
      this.#startBlock(block, position, deltas)
      this.#stopBlock(position, deltas)
    }
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
    // A block with the index of one that is open follows it.
    this.#stopBlock(index, deltas)
    this.#hasContent = true
    this.#startText = ''
    if (type === 'tool_use') {
      const id = this.#uniqueId(block.id)
      const call = this.#calls++
      this.#openBlocks.set(index, { block, call, json: '', args: new ArgumentText() })
      this.#unplacedCalls.push({ ...block, id })
      if (toolset_name || caller?.tool_id) this.#pushCallPositions(deltas)
      deltas.push({ type: 'tool-call', index: call, id, ...(name && { name }) })
      return
    }
    this.#pushCallPositions(deltas)
    if (to) this.#pushMetadata(to, deltas)
    if (type === 'text') {
      if (this.#hasText) deltas.push({ type: 'break' })
      this.#hasText = true
      this.#startText = text ?? ''
      if (text) deltas.push({ type, text })
      for (const citation of citations ?? []) deltas.push({ type: 'citation', citation })
    } else if (type === 'thinking' || type === 'redacted_thinking') pushReasoning(block, deltas)
    else this.#openBlocks.set(index, { block, call: -1, json: '' })
  }

  /**
   * Emits the positions of tool calls that another block follows, as blocks without input. Thinking is bound to what precedes it: Anthropic
   * drops it if the order differs (`prefix_binding_mismatch`).
   */
  #pushCallPositions(deltas: Delta[]): void {
    for (const { input: _input, ...call } of this.#unplacedCalls.splice(0)) deltas.push(blockDelta(call))
  }

  #addBlockDelta(delta: WireDelta, index: number | undefined, deltas: Delta[]): void {
    const { text, partial_json: args, citation, type = typeOfDelta(delta), ...rest } = delta
    const open = this.#openBlocks.get(index ?? 0)
    if (citation) deltas.push({ type: 'citation', citation })
    else if (type === 'text_delta') {
      this.#hasContent = true
      if (text && text !== this.#startText) deltas.push({ type: 'text', text })
      this.#startText = ''
    } else if (type === 'input_json_delta') {
      // The first piece is often empty.
      if (!args) return
      const target = (index !== undefined && !this.#ignoresIndex && open) || blockOfMisplacedInput(this.#openBlocks.values(), deltas)
      this.#ignoresIndex ||= target !== open
      if (target.args) pushArguments(target.args.add(args), target.call, deltas)
      else target.json += args
    } else if (type === 'thinking_delta' || type === 'signature_delta') pushReasoning(delta, deltas)
    else if (type === 'compaction_delta') Object.assign(open?.block ?? {}, rest)
    // Anthropic would refuse an incomplete block.
    else if (open && !open.args) this.#openBlocks.set(index ?? 0, { block: {}, call: -1, json: '' })
  }

  #stopBlock(index: number, deltas: Delta[]): void {
    const { block, call, json, args } = this.#openBlocks.get(index) ?? {}
    this.#openBlocks.delete(index)
    if (!block?.type || call === undefined) return
    if (block.type !== 'tool_use') deltas.push(blockDelta(json ? { ...block, input: parseJson(json) ?? block.input } : block))
    // A call without input deltas has the input of its start event. Empty input may be the sign of a response that was cut.
    else if (args?.isEmpty) {
      const input = JSON.stringify(block.input ?? {})
      pushArguments(input === '{}' ? args.heldBack : input, call, deltas)
    }
  }
}

function pushReasoning({ thinking = '', signature, data }: WireBlock, deltas: Delta[]): void {
  if (thinking || signature || data) {
    deltas.push({ type: 'reasoning', text: thinking, ...(signature && { signature }), ...(data && { redacted: data }) })
  }
}

const blockDelta = (block: object): Delta => ({ type: 'block', provider: 'anthropic', block: block as JsonObject })
