import type { Wire, WireRequest } from '../wire.ts'

/** A way to a provider, ready for one attempt. */
export interface Transport {
  /** The provider's name, for messages of errors. */
  readonly name: string
  /** Its address, without secrets. */
  readonly displayUrl: string
  /** What to check where an answer is none. Default: `baseURL`. */
  readonly checkHint?: string
  /** Takes out of a text what must not be told. */
  redact(text: string): string
  post(request: WireRequest, signal: AbortSignal): Promise<Response>
}

/** What to do with an answer that ends without the provider's own end. */
export type OnTruncated = 'error' | 'accept'

/** How a model reaches its provider. One object for a model and its copies. */
export interface ModelConnection {
  /** How requests leave: by `fetch` or by a user's client. Asked anew for each attempt, so that a key may change. */
  readonly transport: () => Transport | Promise<Transport>
  readonly maxRetries: number
  readonly onTruncated: OnTruncated
  /** Asks for a stream where nobody reads one, too. */
  readonly streaming: boolean
  /** Whether to ask again at once after this refusal, because the next request will be another one. */
  canDowngrade?(error: unknown, refused: WireRequest): boolean
}

/** A model, as far as its answers need it. */
export interface HttpModel<Options, At extends ModelConnection> {
  /** What each call asks for. */
  readonly options: Options
  readonly connection: At
}

/** One call of a model. */
export interface RequestContext extends ModelConnection {
  readonly wire: Wire<never, never, never>
}
