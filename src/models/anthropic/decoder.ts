import type { Delta } from '../../core/delta.ts'
import type { Citation } from '../../core/message.ts'
import { mergeUsage } from '../../core/usage.ts'
import { type JsonObject, parseJson } from '../../core/util/parse-json.ts'
import { type AnthropicUsage, anthropicCacheWrite1hTokens, anthropicUsage } from '../../tokens/usage/anthropic.ts'
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
  /** Of a call: who makes it, the model itself or, with its id, a tool that runs code. */
  readonly caller?: { readonly tool_id?: string } | null
  readonly toolset_name?: string | null
  /** Of a fallback: the model that goes on. */
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

/** An event of a stream, or a whole message, as far as it is read. */
interface WireEvent extends WireMessage {
  readonly type?: string
  readonly index?: number
  readonly message?: WireMessage
  readonly content_block?: WireBlock
  readonly delta?: WireDelta
}

/**
 * One answer of Anthropic's, event by event. What is not known is passed over, as Anthropic asks; but a block that is whole is kept,
 * whatever it is: it may have to go back.
 */
export class AnthropicDecoder implements Decoder {
  complete = false
  #usage: AnthropicUsage = {}
  #hourTokens: number | undefined
  #hasText = false
  /** What is being said, if it is a call, or a block that is told when it is whole; with the JSON of its input so far. */
  #openBlock: WireBlock | undefined
  #blockIndex = 0
  #inputJson = ''
  /** The last calls: only where something stands after them has the content to say where they stand. */
  readonly #unplacedCalls: WireBlock[] = []

  extractText(event: unknown): string | undefined {
    const { type, delta } = Object(event) as WireEvent
    if (type === 'content_block_delta' && delta?.type === 'text_delta') return delta.text
  }

  decode(event: unknown): readonly Delta[] {
    const said: Delta[] = []
    const { type, index = 0, message = {}, content_block = {}, delta = {}, content, ...rest } = Object(event) as WireEvent
    if (type === 'message_start') this.#pushMetadata(message, said)
    if (type === 'content_block_start') this.#startBlock(content_block, index, said)
    if (type === 'content_block_delta') this.#addBlockDelta(delta, index, said)
    if (type === 'content_block_stop') this.#stopBlock(index, said)
    if (type === 'message_delta') this.#pushMetadata({ ...rest, ...delta }, said)
    if (type === 'message_stop') this.complete = true
    if (type === 'message' && Array.isArray(content)) {
      this.#pushMetadata(rest, said)
      for (const [at, block] of content.entries()) {
        this.#startBlock(block, at, said)
        this.#stopBlock(at, said)
      }
      this.complete = true
    }
    return said
  }

  #pushMetadata({ id, model, container, usage, stop_reason: reason, stop_details, stop_sequence }: WireMessage, said: Delta[]): void {
    // In Anthropic's own words: what a later report leaves out an earlier one holds, and our input is a sum of several fields.
    if (usage) this.#usage = mergeUsage(this.#usage, usage)
    const hours = anthropicCacheWrite1hTokens(this.#usage)
    const cacheWrite1hTokens = hours === this.#hourTokens ? undefined : hours
    this.#hourTokens = hours
    if (id || model || container || cacheWrite1hTokens) {
      const facts = { ...(id && { id }), ...(model && { model }), ...(cacheWrite1hTokens && { cacheWrite1hTokens }) }
      said.push({ type: 'meta', ...facts, ...(container && { extra: { container } }) })
    }
    if (usage) said.push({ type: 'usage', usage: anthropicUsage(this.#usage) })
    const details = stop_details ?? (stop_sequence && { stop_sequence })
    if (reason) said.push({ type: 'stop', reason, ...(details && { details }) })
  }

  /** What a block holds at its start; where the answer came whole, all of it but a call's input. */
  #startBlock(block: WireBlock, index: number, said: Delta[]): void {
    const { type, text, citations, id, name, caller, toolset_name, to } = block
    this.#openBlock = block
    this.#blockIndex = index
    this.#inputJson = ''
    if (type === 'tool_use') {
      this.#unplacedCalls.push(block)
      if (toolset_name || caller?.tool_id) this.#pushCallPositions(said)
      said.push({ type: 'tool-call', index, ...(id && { id }), ...(name && { name }) })
      return
    }
    this.#pushCallPositions(said)
    if (to) this.#pushMetadata(to, said)
    if (type === 'text') {
      if (this.#hasText) said.push({ type: 'break' })
      this.#hasText = true
      if (text) said.push({ type, text })
      for (const citation of citations ?? []) said.push({ type: 'citation', citation })
    } else if (type === 'thinking' || type === 'redacted_thinking') pushReasoning(block, said)
    else return
    this.#openBlock = undefined
  }

  /**
   * Says where calls stand that something stands after: as blocks without their input. Thinking is bound to what stands before it, and
   * Anthropic drops it where the order is another (`prefix_binding_mismatch`).
   */
  #pushCallPositions(said: Delta[]): void {
    for (const { input: _input, ...call } of this.#unplacedCalls.splice(0)) said.push(blockDelta(call))
  }

  #addBlockDelta(delta: WireDelta, index: number, said: Delta[]): void {
    const { type, partial_json: args, citation, ...rest } = delta
    const block = this.#openBlock
    const isCall = block?.type === 'tool_use'
    if (citation) said.push({ type: 'citation', citation })
    else if (type === 'input_json_delta') {
      // The first piece is often empty.
      if (!args) return
      this.#inputJson += args
      if (isCall) said.push({ type: 'tool-call', index, args })
    } else if (type === 'thinking_delta' || type === 'signature_delta') pushReasoning(delta, said)
    else if (type === 'compaction_delta') Object.assign(block ?? {}, rest)
    // Half a block would be refused.
    else if (!isCall) this.#openBlock = undefined
  }

  #stopBlock(index: number, said: Delta[]): void {
    const [block, json] = [this.#openBlock, this.#inputJson]
    if (!block?.type || index !== this.#blockIndex) return
    this.#openBlock = undefined
    if (block.type !== 'tool_use') said.push(blockDelta(json ? { ...block, input: parseJson(json) ?? block.input } : block))
    // A call without text of its input has what its start had.
    else if (!json) said.push({ type: 'tool-call', index, args: JSON.stringify(block.input ?? {}) })
  }
}

function pushReasoning({ thinking = '', signature, data }: WireBlock, said: Delta[]): void {
  if (thinking || signature || data) {
    said.push({ type: 'reasoning', text: thinking, ...(signature && { signature }), ...(data && { redacted: data }) })
  }
}

const blockDelta = (block: object): Delta => ({ type: 'block', provider: 'anthropic', block: block as JsonObject })
