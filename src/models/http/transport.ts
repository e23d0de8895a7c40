import type { Decoder, Wire, WireRequest } from '../wire.ts'
import type { EncodedRequest } from './encode-request.ts'

/** Sends one attempt to a provider. */
export interface Transport {
  /** The provider's name, for error messages. */
  readonly name: string
  /** Its URL, without secrets. */
  readonly displayUrl: string
  /**
   * What the user should check after a failure.
   *
   * @defaultValue a hint at `baseURL`
   */
  readonly checkHint?: string
  /** Removes secrets from a text. */
  redact(text: string): string
  /** Sends the request and resolves with its raw response. */
  post(request: EncodedRequest, signal: AbortSignal): Promise<Response>
}

/** How to treat a response that ends before the provider's end marker: throw TruncatedError, or keep what arrived. */
export type OnTruncated = 'error' | 'accept'

/** How a model reaches its provider. A model and its copies share one object. */
export interface ModelConnection {
  /** Returns the transport of one attempt: `fetch` or the user's client. Called for each attempt, so that the API key may change. */
  readonly transport: () => Transport | Promise<Transport>
  readonly maxRetries: number
  readonly onTruncated: OnTruncated
  /** Whether to request a stream even if the output is not read as one. */
  readonly streaming: boolean
  /** Whether to retry at once after this error, because the next request will leave out what the server refused. */
  canDowngrade?(error: unknown, refused: WireRequest): boolean
}

/** The part of a model that `streamCompletion` needs. */
export interface HttpModel<Options, At extends ModelConnection> {
  /** The options of each call. */
  readonly options: Options
  readonly connection: At
}

/** One call of a model. */
export interface RequestContext extends ModelConnection {
  readonly wire: Wire<never, never, never>
  /** Creates the decoder of the response. */
  readonly createDecoder: (isStream: boolean) => Decoder
  /** Whether the response is a stream: as it was requested, unless the body has the other format. */
  isStream: boolean
  /** The content type of the response, if a stream was requested and this is another type. */
  unexpectedType?: string
}
