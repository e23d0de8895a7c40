import type { Usage } from './usage.ts'
import { isRecord } from './util/is-record.ts'

/** The author of a message. On input, LangChain's `human` and `ai` are accepted for `user` and `assistant`. */
export type Role = 'system' | 'user' | 'assistant' | 'tool'

/**
 * A part of a message's content.
 *
 * - `text`: text, with citations of its sources
 * - `reasoning`: a model's reasoning
 * - `image`: an image by URL (also a `data:` URL) or as base64
 * - `block`: content in one provider's own format. In a response, content that must be sent back unchanged, e.g. a server-side search and
 *   its results; in a request, content without a part type of its own, e.g. a PDF. Other providers get neither: what a response held is
 *   omitted, and any other block fails the call (`invalid_message`).
 *
 * @example
 * userMessage([
 *   { type: 'block', provider: 'anthropic', block: { type: 'document', source: { type: 'url', url: 'https://example.com/bears.pdf' } } },
 *   { type: 'text', text: 'What does it say about bears?' },
 * ])
 */
export type Part =
  | {
      /** The kind of the part. */
      readonly type: 'text'
      /** The text, or the text of the reasoning. */
      readonly text: string
      /** The sources of the text. */
      readonly citations?: readonly Citation[]
      /** Lets Anthropic cache the prompt up to and including this part. */
      readonly cacheControl?: CacheControl
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
      readonly type: 'image'
      /** The URL of the image. */
      readonly url: string
      readonly cacheControl?: CacheControl
    }
  | {
      readonly type: 'image'
      /** The image as base64. */
      readonly data: string
      /** The media type of `data`, e.g. `image/png`. */
      readonly mediaType: string
      readonly cacheControl?: CacheControl
    }
  | {
      readonly type: 'block'
      /** The provider that the block belongs to, e.g. `anthropic`. */
      readonly provider: string
      /** The block in the provider's own format. */
      readonly block: Readonly<Record<string, unknown>>
    }

/** A source of a text, in the provider's own format: e.g. Anthropic adds the quoted text as `cited_text`. */
export interface Citation {
  /** The URL of the page. */
  readonly url?: string
  /** The title of the page. */
  readonly title?: string | null
  /** Further fields of the provider. */
  readonly [field: string]: unknown
}

/**
 * Lets Anthropic cache the prompt up to and including the part.
 *
 * @see https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching
 */
export interface CacheControl {
  /** The only kind of cache. */
  readonly type: 'ephemeral'
  /**
   * How long the cache entry lives without use.
   *
   * @defaultValue '5m'
   */
  readonly ttl?: '5m' | '1h'
}

/** A tool call that a model requests. */
export interface ToolCall {
  /** The id of the call, unique in the conversation; the tool's result refers to it. */
  readonly id: string
  /** The name of the tool. */
  readonly name: string
  /** The arguments as parsed JSON; `{}` if there are none. If `isInvalid`, their raw text. */
  readonly args: unknown
  /**
   * Whether the arguments are not valid JSON, e.g. because the response was cut at its token limit. The tool is not run with them.
   *
   * @defaultValue false
   */
  readonly isInvalid?: boolean
  /**
   * Further fields of the call in the provider's own format, which it expects back, e.g. Gemini's signatures. They are sent to providers of
   * the same format only.
   */
  readonly extra?: Readonly<Record<string, unknown>>
}

/** Instructions for a model. */
export interface SystemMessage {
  /** The author. */
  readonly role: 'system'
  /** The text, or parts. */
  readonly content: string | readonly Part[]
}

/** A message of the user. */
export interface UserMessage {
  /** The author. */
  readonly role: 'user'
  /** The text, or parts. */
  readonly content: string | readonly Part[]
}

/** A model's response. */
export interface AssistantMessage {
  /** The author. */
  readonly role: 'assistant'
  /** The text, or parts. */
  readonly content: string | readonly Part[]
  /** The tool calls that the model requests. */
  readonly toolCalls?: readonly ToolCall[]
  /** The provider's stop reason, e.g. `end_turn`. */
  readonly stopReason?: string
  /** Further facts about the stop, e.g. the `category` and `explanation` of a refusal. */
  readonly stopDetails?: Readonly<Record<string, unknown>>
  /** The tokens of the response. */
  readonly usage?: Usage
  /** The provider's id of the response. */
  readonly id?: string
  /** The model of the response, as the provider names it. */
  readonly model?: string
  /** Further facts about the response in the provider's own format, e.g. Anthropic's `container`. */
  readonly extra?: Readonly<Record<string, unknown>>
}

/** The result of a tool call. */
export interface ToolMessage {
  /** The author. */
  readonly role: 'tool'
  /** The text, or parts. */
  readonly content: string | readonly Part[]
  /** The id of the tool call. */
  readonly toolCallId: string
  /** Whether the tool failed; the content then describes the error. Default false. */
  readonly isError?: boolean
}

/** One message of a conversation, a plain JSON object. */
export type Message = SystemMessage | UserMessage | AssistantMessage | ToolMessage

/** Whether a value can be the content of a message: a text, or parts, of which those of type `text` have one. */
export const isContent = (value: unknown): value is string | readonly Part[] =>
  typeof value === 'string' ||
  (Array.isArray(value) && value.every((part) => isRecord(part) && (part.type !== 'text' || typeof part.text === 'string')))

/**
 * Returns the text of a message without its other parts.
 *
 * @example
 * const text = textOf(await model.invoke('Hello'))
 */
export function textOf(message: { readonly content: string | readonly Part[] }): string {
  const { content } = message
  return typeof content === 'string' ? content : content.map((part) => (part.type === 'text' ? part.text : '')).join('')
}
