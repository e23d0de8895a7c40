import type { Delta } from '../core/delta.ts'
import { type AnthropicUsage, anthropicUsage, laterAnthropicUsage } from '../tokens/usage/anthropic.ts'
import { type AnthropicCallOptions, anthropicRequest } from './anthropic-request.ts'
import { speculation } from './speculation.ts'
import type { Complaint, Decoder, Wire } from './wire.ts'

/**
 * Anthropic's Messages API: https://platform.claude.com/docs/en/api/messages and …/docs/en/build-with-claude/streaming.
 *
 * The type of an event is read from its JSON, for compatible servers leave the event's name out. What is not known is passed over, as
 * Anthropic asks; so are citations and the tools that run on its servers, which have no Delta.
 */
export const anthropicWire: Wire<AnthropicCallOptions> = {
  name: 'Anthropic',
  request: anthropicRequest,
  decoder,
  whole(answer) {
    const { content, stop_reason, usage, ...meta } = (answer ?? {}) as WireMessage
    if (!Array.isArray(content)) return
    return [metaDelta(meta), ...content.flatMap(wholeBlock), ...usageDelta(usage), ...stopDelta(stop_reason)]
  },
  complaint,
}

interface WireMessage {
  readonly id?: string
  readonly model?: string
  readonly content?: readonly WireBlock[]
  readonly stop_reason?: string | null
  readonly usage?: AnthropicUsage
}

interface WireBlock {
  readonly type: string
  readonly text?: string
  readonly thinking?: string
  readonly signature?: string
  readonly data?: string
  readonly id?: string
  readonly name?: string
  readonly input?: unknown
}

/** An event of a stream, as far as it is read. */
interface WireEvent {
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
  readonly usage?: AnthropicUsage
}

type Fail = (complaint: Complaint) => never

function decoder(fail: Fail): Decoder {
  const answer = new Answer()
  const shape = speculation((data) => textOf(parsed(data) ?? {}))
  return {
    get complete() {
      return answer.complete
    },
    transform({ data }, controller) {
      const known = shape.read(data)
      if (known !== undefined) return controller.enqueue({ type: 'text', text: known })
      const event = parsed(data) ?? fail({ message: `It sent an event that is not JSON, of ${data.length} characters.` })
      const text = textOf(event)
      if (text !== undefined) {
        shape.learn(data, text)
        return controller.enqueue({ type: 'text', text })
      }
      if (event.type === 'error') fail(complaint(event) ?? {})
      for (const delta of answer.deltas(event)) controller.enqueue(delta)
    },
  }
}

function parsed(data: string): WireEvent | undefined {
  try {
    return JSON.parse(data) ?? {}
  } catch {
    return undefined
  }
}

function textOf({ type, delta }: WireEvent): string | undefined {
  if (type === 'content_block_delta' && delta?.type === 'text_delta') return delta.text
}

/** What is known of a streamed answer between its events. */
class Answer {
  complete = false
  #usage: AnthropicUsage = {}
  /** Tool calls that are being written, by their block: the input that came with the start, until there is text of it. */
  readonly #calls = new Map<number, { input: unknown }>()

  deltas({ type, index = 0, message, content_block: block, delta, usage }: WireEvent): readonly Delta[] {
    switch (type) {
      case 'message_start':
        return [metaDelta(message), ...this.#report(message?.usage)]
      case 'content_block_start':
        if (block?.type === 'tool_use') this.#calls.set(index, { input: block.input ?? {} })
        return blockDelta(block, index)
      case 'content_block_delta':
        return delta?.type === 'input_json_delta' ? this.#input(index, delta.partial_json) : reasoningDelta(delta)
      case 'content_block_stop':
        return this.#stop(index)
      case 'message_delta':
        return [...this.#report(usage), ...stopDelta(delta?.stop_reason)]
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
    this.#usage = laterAnthropicUsage(this.#usage, later)
    return usageDelta(this.#usage)
  }

  /** Of a tool on Anthropic's servers there is no call. The first piece is often empty. */
  #input(index: number, args: string | undefined): readonly Delta[] {
    const call = this.#calls.get(index)
    if (!call || !args) return []
    call.input = undefined
    return [{ type: 'tool-call', index, args }]
  }

  /** A call without text of its input has what its start had. */
  #stop(index: number): readonly Delta[] {
    const { input } = this.#calls.get(index) ?? {}
    return input === undefined ? [] : [{ type: 'tool-call', index, args: JSON.stringify(input) }]
  }
}

const metaDelta = ({ id, model }: WireMessage = {}): Delta => ({ type: 'meta', ...(id && { id }), ...(model && { model }) })

const usageDelta = (usage: AnthropicUsage | undefined): readonly Delta[] => (usage ? [{ type: 'usage', usage: anthropicUsage(usage) }] : [])

const stopDelta = (reason: string | null | undefined): readonly Delta[] => (reason ? [{ type: 'stop', reason }] : [])

const reasoningDelta = ({ thinking = '', signature = '' }: { thinking?: string; signature?: string } = {}): readonly Delta[] =>
  thinking || signature ? [{ type: 'reasoning', text: thinking, ...(signature && { signature }) }] : []

/** What a block holds at its start; where the answer came whole, all of it but a call's input. */
function blockDelta(block: WireBlock | undefined, index: number): readonly Delta[] {
  switch (block?.type) {
    case 'text':
      return block.text ? [{ type: 'text', text: block.text }] : []
    case 'thinking':
      return reasoningDelta(block)
    case 'redacted_thinking':
      return block.data ? [{ type: 'reasoning', text: '', redacted: block.data }] : []
    case 'tool_use':
      return [{ type: 'tool-call', index, ...(block.id && { id: block.id }), ...(block.name && { name: block.name }) }]
    default:
      return []
  }
}

const wholeBlock = (block: WireBlock, index: number): readonly Delta[] =>
  block?.type === 'tool_use'
    ? [...blockDelta(block, index), { type: 'tool-call', index, args: JSON.stringify(block.input ?? {}) }]
    : blockDelta(block, index)

/** `{ type: 'error', error: { type, message }, request_id }`; gateways before Anthropic have forms of their own. */
function complaint(body: unknown): Complaint | undefined {
  const { type, error, message, request_id } = Object(body) as Readonly<Record<string, unknown>>
  const said = typeof error === 'object' && error ? (error as Readonly<Record<string, unknown>>) : { message: error ?? message }
  if (type !== 'error' && said.message === undefined) return
  return { type: text(said.type), message: text(said.message), requestId: text(request_id) }
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
