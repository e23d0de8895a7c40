import type { Delta } from '../core/delta.ts'
import { mergeUsage } from '../core/usage.ts'
import { type AnthropicUsage, anthropicUsage } from '../tokens/usage/anthropic.ts'
import { type AnthropicCallOptions, anthropicRequest } from './anthropic-request.ts'
import type { Complaint, Decoder, Wire } from './wire.ts'

/**
 * Anthropic's Messages API: https://platform.claude.com/docs/en/api/messages and …/docs/en/build-with-claude/streaming.
 *
 * The type of an event is read from its JSON, for compatible servers leave the event's name out. What is not known is passed over, as
 * Anthropic asks; so are citations and the tools that run on its servers, which have no Delta.
 */
export const anthropicWire: Wire<AnthropicCallOptions> = {
  request: anthropicRequest,
  decoder: () => new Answer(),
  textOf,
  complaint,
}

interface WireBlock {
  readonly type?: string
  readonly text?: string
  readonly thinking?: string
  readonly signature?: string
  readonly data?: string
  readonly id?: string
  readonly name?: string
  readonly input?: unknown
}

interface WireMessage {
  readonly id?: string
  readonly model?: string
  readonly content?: readonly WireBlock[]
  readonly stop_reason?: string | null
  readonly usage?: AnthropicUsage
}

/** An event of a stream, or a whole message, as far as it is read. */
interface WireEvent extends WireMessage {
  readonly type?: string
  readonly index?: number
  readonly message?: WireMessage
  readonly content_block?: WireBlock
  readonly delta?: {
    readonly type?: string
    readonly text?: string
    readonly thinking?: string
    readonly signature?: string
    readonly partial_json?: string
    readonly stop_reason?: string | null
  }
}

function textOf(event: unknown): string | undefined {
  const { type, delta } = Object(event) as WireEvent
  if (type === 'content_block_delta' && delta?.type === 'text_delta') return delta.text
}

/** What is known of an answer between its events. */
class Answer implements Decoder {
  complete = false
  #usage: AnthropicUsage = {}
  /** The input that came with the start of a tool call, by its block, until there is text of it. */
  readonly #inputs = new Map<number, unknown>()

  decode(event: unknown): readonly Delta[] {
    const { type, index = 0, message = {}, content_block: block = {}, delta = {}, usage, content } = Object(event) as WireEvent
    switch (type) {
      case 'message':
        return Array.isArray(content) ? eventsOf(event as WireMessage).flatMap((each) => this.decode(each)) : []
      case 'message_start':
        return [metaDelta(message), ...this.#report(message.usage)]
      case 'content_block_start':
        if (block.type === 'tool_use') this.#inputs.set(index, block.input ?? {})
        return blockDelta(block, index)
      case 'content_block_delta':
        return delta.type === 'input_json_delta' ? this.#input(index, delta.partial_json) : reasoningDelta(delta)
      case 'content_block_stop':
        return this.#stop(index)
      case 'message_delta':
        return [...this.#report(usage), ...(delta.stop_reason ? [{ type: 'stop', reason: delta.stop_reason } as const] : [])]
      case 'message_stop':
        this.complete = true
        return []
      default:
        return []
    }
  }

  /** Merged in Anthropic's own words: what a later report leaves out an earlier one holds, and our input is a sum of several fields. */
  #report(later: AnthropicUsage | undefined): readonly Delta[] {
    if (!later) return []
    this.#usage = mergeUsage(this.#usage, later)
    return [{ type: 'usage', usage: anthropicUsage(this.#usage) }]
  }

  /** Of a tool on Anthropic's servers there is no call. The first piece is often empty. */
  #input(index: number, args: string | undefined): readonly Delta[] {
    if (!args || !this.#inputs.has(index)) return []
    this.#inputs.set(index, undefined)
    return [{ type: 'tool-call', index, args }]
  }

  /** A call without text of its input has what its start had. */
  #stop(index: number): readonly Delta[] {
    const input = this.#inputs.get(index)
    return input === undefined ? [] : [{ type: 'tool-call', index, args: JSON.stringify(input) }]
  }
}

/** A whole message as the events that would have streamed it. */
const eventsOf = (message: WireMessage): readonly WireEvent[] => [
  { type: 'message_start', message },
  ...(message.content ?? []).flatMap((content_block, index) => [
    { type: 'content_block_start', index, content_block },
    { type: 'content_block_stop', index },
  ]),
  { type: 'message_delta', delta: { stop_reason: message.stop_reason ?? null } },
  { type: 'message_stop' },
]

const metaDelta = ({ id, model }: WireMessage): Delta => ({ type: 'meta', ...(id && { id }), ...(model && { model }) })

const reasoningDelta = ({ thinking = '', signature = '' }: { thinking?: string; signature?: string }): readonly Delta[] =>
  thinking || signature ? [{ type: 'reasoning', text: thinking, ...(signature && { signature }) }] : []

/** What a block holds at its start; where the answer came whole, all of it but a call's input. */
function blockDelta(block: WireBlock, index: number): readonly Delta[] {
  const { type, text, data, id, name } = block
  switch (type) {
    case 'text':
      return text ? [{ type, text }] : []
    case 'thinking':
      return reasoningDelta(block)
    case 'redacted_thinking':
      return data ? [{ type: 'reasoning', text: '', redacted: data }] : []
    case 'tool_use':
      return [{ type: 'tool-call', index, ...(id && { id }), ...(name && { name }) }]
    default:
      return []
  }
}

/** `{ type: 'error', error: { type, message }, request_id }`; gateways before Anthropic have forms of their own, without a type. */
function complaint(body: unknown): Complaint | undefined {
  const { type, error, message, request_id } = Object(body) as Readonly<Record<string, unknown>>
  const said = Object(typeof error === 'object' && error ? error : { message: error ?? message }) as Readonly<Record<string, unknown>>
  if (type !== 'error' && (type !== undefined || said.message === undefined)) return
  return { type: text(said.type), message: text(said.message), requestId: text(request_id) }
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
