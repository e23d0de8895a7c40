import type { Delta } from '../core/delta.ts'
import type { Message } from '../core/message.ts'

/** A call as it goes to a provider: a POST of JSON. */
export interface WireRequest {
  /** Below the provider's base URL, e.g. `/v1/messages`. */
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
}

/** What a provider says is wrong: with a status, or in the middle of a stream. */
export interface Complaint {
  /** The provider's own word, e.g. `overloaded_error`. */
  readonly type?: string | undefined
  readonly message?: string | undefined
  readonly requestId?: string | undefined
}

/** Makes Deltas of one answer. */
export interface Decoder {
  /** The Deltas in an event of a stream, or in an answer that came whole; none in what is not known. */
  decode(event: unknown): readonly Delta[]
  /** Whether the provider's own end was seen: without it the answer is truncated. */
  readonly complete: boolean
}

/**
 * What makes a provider: pure and synchronous. All I/O is in http.ts.
 *
 * Streamed and whole answers to the same request must give Deltas that fold to the same message.
 */
export interface Wire<Options> {
  request(messages: readonly Message[], options: Options, streaming: boolean): WireRequest
  decoder(): Decoder
  /** The text of an event that brings a piece of text and nothing else, as nearly all do. It does not get to the decoder. */
  textOf(event: unknown): string | undefined
  /** What an event or a body complains of; undefined where it is no complaint. */
  complaint(body: unknown): Complaint | undefined
}
