import type { Usage } from '../core/usage.ts'

/**
 * What a meter read from one HTTP response of a model's provider. If a client retries a request, each response has its own record.
 *
 * @example
 * const total: UsageListener = { record: ({ model, usage }) => console.log(model, usage?.totalTokens) }
 */
export interface UsageRecord {
  /** URL of the request, without credentials and query. */
  readonly url: string
  /** HTTP status. Refused requests to a model (4xx, 5xx) have records too. */
  readonly status: number
  /** E.g. `anthropic`, `openai`; undefined if neither the URL nor the format of the answer identifies it. */
  readonly provider: string | undefined
  /** The model's name, as in the answer; if it has none, as in the URL. */
  readonly model: string | undefined
  /** The provider's id of the answer. A counter counts calls with the same id once. */
  readonly responseId: string | undefined
  /** Absent if the provider reported none. */
  readonly usage?: Usage
  /** The part of `usage.cacheWriteTokens` that Anthropic caches for one hour, at a different price. */
  readonly cacheWrite1hTokens?: number
  /** Whether the answer was received to the provider's end marker, without an error. */
  readonly complete: boolean
  /**
   * How the answer ended: `end` with the provider's end marker, `truncated` without it, `cancel` by its reader, `abort` by the request's
   * signal, `error` by a network error, an error of the provider or a refused request.
   */
  readonly reason: 'end' | 'truncated' | 'cancel' | 'abort' | 'error'
  /** From the request to the end of the answer, in ms. */
  readonly durationMs: number
  /**
   * The weight of the output received (text, reasoning, tool arguments), in tokens by `weigh` of estimate.ts. Counters estimate interrupted
   * answers from it.
   *
   * @internal
   */
  readonly outputWeight?: number
  /**
   * Whether the answer has a format that the meter does not know, so that its output is unknown.
   *
   * @internal
   */
  readonly isUnreadable?: boolean
  /** The tag of the call: see `tagged`. */
  readonly tag?: unknown
}

/**
 * Receives the records of a meter: a TokenCounter, or your own object.
 *
 * @example
 * const listener: UsageListener = { record: ({ url, usage }) => console.log(url, usage) }
 */
export interface UsageListener {
  /** Called when an answer is over. Exceptions go to the meter's `onListenerError`. */
  record(record: UsageRecord): void
  /** Called when a request is sent. Returns the listener for its record, or undefined for none. Default: this listener. For scopes. */
  begin?(): UsageListener | undefined
}
