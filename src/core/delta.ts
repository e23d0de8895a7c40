import type { Usage } from './usage.ts'

/**
 * One thing that a model said while streaming: a chat model's chunk. Folded, a run of them is an assistant message.
 *
 * - `text` what it says to the user
 * - `reasoning` what it says to itself (`signature` and `redacted` as Anthropic wants them back)
 * - `tool-call` a piece of a call: `id` and `name` come first, `args` is JSON text in pieces; `index` says which call
 * - `usage` what is known of the tokens so far; later figures replace earlier ones
 * - `stop` why it stopped, in the provider's own word
 * - `meta` the provider's id of the answer and the model that gives it
 */
export type Delta =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'reasoning'; readonly text: string; readonly signature?: string; readonly redacted?: string }
  | { readonly type: 'tool-call'; readonly index: number; readonly id?: string; readonly name?: string; readonly args?: string }
  | { readonly type: 'usage'; readonly usage: Usage }
  | { readonly type: 'stop'; readonly reason: string }
  | { readonly type: 'meta'; readonly id?: string; readonly model?: string }
