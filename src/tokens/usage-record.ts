import type { Usage } from '../core/usage.ts'

/** What a meter saw of one HTTP response of a model's provider. Attempts that were tried again are responses of their own. */
export interface UsageRecord {
  /** Without credentials and query. */
  readonly url: string
  /** HTTP status; responses that are no success have records too. */
  readonly status: number
  /** E.g. `anthropic`, `openai`; undefined where it could not be told. */
  readonly provider: string | undefined
  /** As the provider names it. */
  readonly model: string | undefined
  /** The provider's id of the answer: what is heard twice counts once by it. */
  readonly responseId: string | undefined
  /** Absent where the provider said nothing of it. */
  readonly usage?: Usage
  /** Of its `cacheWriteTokens`, those that Anthropic's cache keeps for an hour: they have a price of their own. */
  readonly cacheWrite1hTokens?: number
  /** The provider's own end was seen. */
  readonly complete: boolean
  /** How it ended: `end` well, `truncated` without the provider's own end, `cancel` by the reader, `abort` by the signal, `error` by the network, by the provider, or with a refusal. */
  readonly reason: 'end' | 'truncated' | 'cancel' | 'abort' | 'error'
  readonly durationMs: number
  /**
   * The weight of the output received (text, reasoning, tool arguments), in tokens by `weigh` of estimate.ts. Counters estimate interrupted
   * answers from it.
   *
   * @internal
   */
  readonly outputWeight?: number
  /** The caller's own mark, from `fetchOptions` of an SDK client. */
  readonly tag?: unknown
}

/** Who is told of responses: a TokenCounter, or an object of your own. */
export interface UsageListener {
  record(record: UsageRecord): void
  /** Asked when a request leaves: who shall be told of its response, undefined for nobody. Without it the listener itself. For scopes. */
  begin?(): UsageListener | undefined
}
