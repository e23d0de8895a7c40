import type { Delta } from '../core/delta.ts'
import type { Message } from '../core/message.ts'
import type { ReplacePadding } from './http/speculation.ts'

/** A request to a provider: a POST of JSON. */
export interface WireRequest {
  /** Path below the provider's base URL, e.g. `/v1/messages`. */
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
}

/** An error that a provider reports: in a response with an error status, or in the middle of a stream. */
export interface ProviderError {
  /** The provider's own name for the error, e.g. `overloaded_error`. */
  readonly type?: string | undefined
  readonly message?: string | undefined
  readonly requestId?: string | undefined
  /** How long to wait before a retry, in ms, if the body says so. */
  readonly retryAfterMs?: number | undefined
}

/** Converts the events of one response to Deltas. */
export interface Decoder {
  /** Returns the text of an event that holds one piece of text and nothing else, as nearly all do. `decode` does not get these events. */
  extractText(event: unknown): string | undefined
  /** For providers whose events end in random padding: see speculation.ts. */
  readonly replacePadding?: ReplacePadding
  /** Returns the Deltas of a stream event or of a whole response; none for an unknown event. The text `[DONE]` is an event too. */
  decode(event: unknown): readonly Delta[]
  /** Whether the provider's end marker was received. Without it the response is truncated. */
  readonly complete: boolean
}

/**
 * The format of a provider's API. Pure and synchronous: all I/O is in http.ts.
 *
 * A streamed and a whole response to the same request must produce Deltas that fold to the same message.
 */
export interface Wire<Options, Input = readonly Message[], Connection = unknown> {
  /** Builds the request of one attempt. `connection` is the model's; a wire may store facts about the server in it. */
  request(input: Input, options: Options, streaming: boolean, connection: Connection): WireRequest
  /**
   * Creates the decoder of one response.
   *
   * @param isStream Whether the response is a stream, or a whole response.
   * @param input The input of the request: the ids of tool calls must be unique in the conversation.
   */
  decoder(isStream: boolean, input: Input): Decoder
  /** Returns the error that an event or a body reports; `undefined` if it reports none. */
  parseError(body: unknown): ProviderError | undefined
}
