import type { Citation } from './message.ts'
import type { Usage } from './usage.ts'

/**
 * A chunk of a chat model's stream. Folded, the Deltas of a run are an assistant message.
 *
 * - `text`: text for the user
 * - `reasoning`: the model's reasoning
 * - `citation`: a source of the current text
 * - `break`: separates two text parts, each with its own citations
 * - `block`: a complete part that only this provider has (see {@link Part})
 * - `tool-call`: a piece of a tool call
 * - `usage`: the tokens known so far; later figures replace earlier ones
 * - `stop`: why the model stopped
 * - `meta`: facts about the response
 */
export type Delta =
  | {
      /** The kind of the chunk. */
      readonly type: 'text'
      /** The next piece of the text or of the reasoning. */
      readonly text: string
    }
  | {
      readonly type: 'reasoning'
      readonly text: string
      /** Anthropic's signature of the reasoning, required when it is sent back. */
      readonly signature?: string
      /** Anthropic's encrypted reasoning, required when it is sent back. */
      readonly redacted?: string
    }
  | {
      readonly type: 'citation'
      /** A source of the current text. */
      readonly citation: Citation
    }
  | { readonly type: 'break' }
  | {
      readonly type: 'block'
      /** The provider that the block belongs to, e.g. `anthropic`. */
      readonly provider: string
      /** The block in the provider's own format. */
      readonly block: Readonly<Record<string, unknown>>
    }
  | {
      readonly type: 'tool-call'
      /** Which call of the response the piece belongs to, from 0. */
      readonly index: number
      /** The id of the call, in its first piece. */
      readonly id?: string
      /** The name of the tool, in the first piece. */
      readonly name?: string
      /** The next piece of the arguments, as JSON text. */
      readonly args?: string
      /** Further fields of the call in the provider's own format. */
      readonly extra?: Readonly<Record<string, unknown>>
    }
  | {
      readonly type: 'usage'
      /** The tokens of the response that are known so far. */
      readonly usage: Usage
    }
  | {
      readonly type: 'stop'
      /** The provider's stop reason, e.g. `end_turn`. */
      readonly reason: string
      /** Further facts about the stop, in the provider's own format. */
      readonly details?: Readonly<Record<string, unknown>>
    }
  | {
      readonly type: 'meta'
      /** The provider's id of the response. */
      readonly id?: string
      /** The model of the response, as the provider names it. */
      readonly model?: string
      /** See {@link ResponseInfo}. */
      readonly cacheWrite1hTokens?: number
      /** Further facts about the response, in the provider's own format. */
      readonly extra?: Readonly<Record<string, unknown>>
    }
