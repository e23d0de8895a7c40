import type { Usage } from '../../core/usage.ts'
import { toUsage } from './to-usage.ts'

/** Figures of Bedrock's Converse API, in its `metadata` event and in a whole answer. */
export interface BedrockUsage {
  /** Without what was read from or written to the cache. */
  readonly inputTokens?: number | null | undefined
  readonly outputTokens?: number | null | undefined
  /** With the cache's tokens. */
  readonly totalTokens?: number | null | undefined
  readonly cacheReadInputTokens?: number | null | undefined
  readonly cacheWriteInputTokens?: number | null | undefined
  /** Of what was written to the cache, by how long it stays. */
  readonly cacheDetails?: readonly { readonly ttl?: string; readonly inputTokens?: number }[] | null
}

/**
 * Bedrock's figures as ours: `inputTokens` with the cache's tokens, which Bedrock counts beside its input. What was not reported is
 * absent, never 0.
 *
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html
 *
 * @example
 * bedrockUsage({ inputTokens: 125, outputTokens: 60, totalTokens: 1_209, cacheReadInputTokens: 1_024 })
 * // { inputTokens: 1_149, outputTokens: 60, totalTokens: 1_209, cacheReadTokens: 1_024 }
 */
export function bedrockUsage({ inputTokens: fresh, outputTokens, totalTokens, ...wire }: BedrockUsage): Usage {
  const { cacheReadInputTokens: read, cacheWriteInputTokens: written } = wire
  const inputTokens = typeof fresh === 'number' ? fresh + (read ?? 0) + (written ?? 0) : undefined
  return toUsage({ inputTokens, outputTokens, totalTokens, cacheReadTokens: read, cacheWriteTokens: written })
}

/** Of `cacheWriteTokens`, those that the cache keeps for an hour, which cost more than those that it keeps for five minutes. */
export const bedrockCacheWrite1hTokens = ({ cacheDetails }: BedrockUsage): number | undefined =>
  cacheDetails?.find(({ ttl }) => ttl === '1h')?.inputTokens

/** What InvokeModel adds to the last chunk of every model's stream, as `amazon-bedrock-invocationMetrics`. */
export interface BedrockMetrics {
  /** Without what was read from or written to the cache. */
  readonly inputTokenCount?: number | null
  readonly outputTokenCount?: number | null
  readonly cacheReadInputTokenCount?: number | null
  readonly cacheWriteInputTokenCount?: number | null
}

/**
 * The same of InvokeModel's metrics.
 *
 * @example
 * bedrockMetricsUsage({ inputTokenCount: 10, outputTokenCount: 5 })
 * // { inputTokens: 10, outputTokens: 5, totalTokens: 15 }
 */
export function bedrockMetricsUsage(wire: BedrockMetrics): Usage {
  return bedrockUsage({
    inputTokens: wire.inputTokenCount,
    outputTokens: wire.outputTokenCount,
    cacheReadInputTokens: wire.cacheReadInputTokenCount,
    cacheWriteInputTokens: wire.cacheWriteInputTokenCount,
  })
}
