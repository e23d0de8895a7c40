import type { Citation } from './message.ts'
import type { Usage } from './usage.ts'

/**
 * One thing that a model said while streaming: a chat model's chunk. Folded, a run of them is an assistant message.
 *
 * - `text` what it says to the user
 * - `reasoning` what it says to itself (`signature` and `redacted` as Anthropic wants them back)
 * - `citation` a source of the text that is being said
 * - `break` the text before it and the text after it are parts of their own: each has its own sources
 * - `block` something that only this provider has, whole and in its own words (see `Part`)
 * - `tool-call` a piece of a call: `id` and `name` come first, `args` is JSON text in pieces; `index` says which call
 * - `usage` what is known of the tokens so far; later figures replace earlier ones
 * - `stop` why it stopped, in the provider's own word, and what else it says of that
 * - `meta` the provider's id of the answer, the model that gives it, and what else is said of it; `cacheWrite1hTokens` see `Answered`
 */
export type Delta =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'reasoning'; readonly text: string; readonly signature?: string; readonly redacted?: string }
  | { readonly type: 'citation'; readonly citation: Citation }
  | { readonly type: 'break' }
  | { readonly type: 'block'; readonly provider: string; readonly block: Readonly<Record<string, unknown>> }
  | { readonly type: 'tool-call'; readonly index: number; readonly id?: string; readonly name?: string; readonly args?: string }
  | { readonly type: 'usage'; readonly usage: Usage }
  | { readonly type: 'stop'; readonly reason: string; readonly details?: Readonly<Record<string, unknown>> }
  | {
      readonly type: 'meta'
      readonly id?: string
      readonly model?: string
      readonly cacheWrite1hTokens?: number
      readonly extra?: Readonly<Record<string, unknown>>
    }
