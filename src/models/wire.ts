import type { EventSourceMessage } from 'eventsource-parser'
import type { Delta } from '../core/delta.ts'
import type { Message } from '../core/message.ts'

/** A call as it goes to a provider: a POST of JSON. */
export interface WireRequest {
  /** Below the provider's base URL, e.g. `/v1/messages`. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, unknown>>
}

/** What a provider says is wrong: with a status, or in the middle of a stream. */
export interface Complaint {
  /** The provider's own word, e.g. `overloaded_error`. */
  readonly type?: string | undefined
  readonly message?: string | undefined
  readonly requestId?: string | undefined
}

/** Makes Deltas of the events of one streamed answer. */
export interface Decoder {
  transform(event: EventSourceMessage, controller: TransformStreamDefaultController<Delta>): void
  /** Whether the provider's own end was seen: without it the answer is truncated. */
  readonly complete: boolean
}

/**
 * What makes a provider: pure and synchronous. All I/O is in http.ts.
 *
 * Streamed and whole answers to the same request must give Deltas that fold to the same message.
 */
export interface Wire<Options> {
  /** The provider's name, for messages of errors. */
  readonly name: string
  request(messages: readonly Message[], options: Options, streaming: boolean): WireRequest
  /** `fail` throws what the provider complained of in its stream. */
  decoder(fail: (complaint: Complaint) => never): Decoder
  /** The Deltas of an answer that came whole; undefined where it is none. */
  whole(answer: unknown): readonly Delta[] | undefined
  /** What a body complains of; undefined where it is no complaint. */
  complaint(body: unknown): Complaint | undefined
}
