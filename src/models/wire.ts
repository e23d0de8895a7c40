import type { Delta } from '../core/delta.ts'
import type { Message } from '../core/message.ts'
import type { ReplacePadding } from './http/speculation.ts'

/** A call as it goes to a provider: a POST of JSON. */
export interface WireRequest {
  /** Below the provider's base URL, e.g. `/v1/messages`. */
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
}

/** What a provider says is wrong: with a status, or in the middle of a stream. */
export interface ProviderError {
  /** The provider's own word, e.g. `overloaded_error`. */
  readonly type?: string | undefined
  readonly message?: string | undefined
  readonly requestId?: string | undefined
  /** How long it asks to wait, in ms, where its body says so. */
  readonly retryAfterMs?: number | undefined
}

/** Makes Deltas of one answer. */
export interface Decoder {
  /** The text of an event that brings a piece of text and nothing else, as nearly all do. Such an event does not get to `decode`. */
  extractText(event: unknown): string | undefined
  /** Where events end in random padding: see speculation.ts. */
  readonly replacePadding?: ReplacePadding
  /** The Deltas in an event of a stream, or in an answer that came whole; none in what is not known. The text `[DONE]` is an event too. */
  decode(event: unknown): readonly Delta[]
  /** Whether the provider's own end was seen: without it the answer is truncated. */
  readonly complete: boolean
}

/**
 * What makes a provider: pure and synchronous. All I/O is in http.ts.
 *
 * Streamed and whole answers to the same request must give Deltas that fold to the same message.
 */
export interface Wire<Options, Input = readonly Message[], Connection = unknown> {
  /** Asked for anew at each attempt; `connection` is the model's, where a wire keeps what it knows of the server. */
  request(input: Input, options: Options, streaming: boolean, connection: Connection): WireRequest
  /** `streaming`: whether a stream was asked for, or a whole answer. */
  decoder(streaming: boolean): Decoder
  /** What an event or a body complains of; undefined where it is no complaint. */
  parseError(body: unknown): ProviderError | undefined
}
