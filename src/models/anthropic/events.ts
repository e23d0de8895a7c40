import type { Citation } from '../../core/message.ts'
import type { JsonObject } from '../../core/util/parse-json.ts'
import type { AnthropicUsage } from '../../tokens/usage/anthropic.ts'

/** A content block. */
export interface WireBlock {
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

/** What an event adds to a block, or to the message. */
export interface WireDelta extends WireMessage {
  readonly type?: string
  readonly text?: string
  readonly thinking?: string
  readonly signature?: string
  readonly partial_json?: string
  readonly citation?: Citation
}

/** A message, or a part of one. */
export interface WireMessage {
  readonly id?: string
  readonly model?: string
  readonly role?: string
  readonly content?: readonly WireBlock[] | string
  readonly container?: JsonObject | null
  readonly stop_reason?: string | null
  readonly stop_sequence?: string | null
  readonly stop_details?: JsonObject | null
  readonly usage?: AnthropicUsage
}

/** An event of a stream, or a whole message: the fields that are read. */
export interface WireEvent extends WireMessage {
  readonly type?: string
  readonly index?: number
  readonly message?: WireMessage
  readonly content_block?: WireBlock
  readonly delta?: WireDelta
}

/** The type of a delta that has none: by its field. */
export function typeOfDelta({ text, partial_json: args, thinking }: WireDelta): string | undefined {
  if (text) return 'text_delta'
  if (args) return 'input_json_delta'
  return thinking && 'thinking_delta'
}
