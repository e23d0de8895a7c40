import type { Usage } from './usage.ts'

/** Who speaks. `human` and `ai`, LangChain's words, are accepted on input and become `user` and `assistant`. */
export type Role = 'system' | 'user' | 'assistant' | 'tool'

/**
 * A piece of a message's content.
 *
 * - `text`, with the sources that stand behind it
 * - `reasoning` (`signature` and `redacted` as Anthropic wants them back)
 * - `image` by address (a `data:` URL too) or as base64
 * - `block` what only one provider has, in its own words: in an answer what has to go back as it came, e.g. a search that ran on its
 *   server and what it found; in a question what has no form here, e.g. a PDF. Other providers are not told of it.
 *
 * @example
 * userMessage([
 *   { type: 'block', provider: 'anthropic', block: { type: 'document', source: { type: 'url', url: 'https://example.com/bears.pdf' } } },
 *   { type: 'text', text: 'What does it say of bears?' },
 * ])
 */
export type Part =
  | { readonly type: 'text'; readonly text: string; readonly citations?: readonly Citation[]; readonly cacheControl?: CacheControl }
  | { readonly type: 'reasoning'; readonly text: string; readonly signature?: string; readonly redacted?: string }
  | { readonly type: 'image'; readonly url: string; readonly cacheControl?: CacheControl }
  | { readonly type: 'image'; readonly data: string; readonly mediaType: string; readonly cacheControl?: CacheControl }
  | { readonly type: 'block'; readonly provider: string; readonly block: Readonly<Record<string, unknown>> }

/** A source of a text, as the provider writes it: a page has an address and a title; Anthropic says what it quotes in `cited_text`. */
export interface Citation {
  readonly url?: string
  readonly title?: string | null
  readonly [field: string]: unknown
}

/** Anthropic's prompt caching: what stands up to and with this part may be cached. */
export interface CacheControl {
  readonly type: 'ephemeral'
  readonly ttl?: '5m' | '1h'
}

/** A call of a tool that the model asks for. */
export interface ToolCall {
  readonly id: string
  readonly name: string
  /** The arguments as parsed JSON; the raw text where it does not parse. */
  readonly args: unknown
}

export interface SystemMessage {
  readonly role: 'system'
  readonly content: string | readonly Part[]
}

export interface UserMessage {
  readonly role: 'user'
  readonly content: string | readonly Part[]
}

/** What a model answered. */
export interface AssistantMessage {
  readonly role: 'assistant'
  readonly content: string | readonly Part[]
  readonly toolCalls?: readonly ToolCall[]
  /** The provider's own word for why it stopped, e.g. `end_turn`. */
  readonly stopReason?: string
  /** What else it says of that: e.g. of a refusal its `category` and `explanation`. */
  readonly stopDetails?: Readonly<Record<string, unknown>>
  readonly usage?: Usage
  /** The provider's id of the answer. */
  readonly id?: string
  /** The model that answered, as the provider names it. */
  readonly model?: string
  /** What else the provider says of its answer, in its own words, e.g. Anthropic's `container`. */
  readonly extra?: Readonly<Record<string, unknown>>
}

/** What a tool answered. */
export interface ToolMessage {
  readonly role: 'tool'
  readonly content: string | readonly Part[]
  readonly toolCallId: string
  readonly isError?: boolean
}

/** One turn of a conversation, a plain JSON object. */
export type Message = SystemMessage | UserMessage | AssistantMessage | ToolMessage

/** The text of a message, other parts left out. */
export function textOf(message: { readonly content: string | readonly Part[] }): string {
  const { content } = message
  return typeof content === 'string' ? content : content.map((part) => (part.type === 'text' ? part.text : '')).join('')
}
