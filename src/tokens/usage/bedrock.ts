import type { Usage } from '../../core/usage.ts'
import { sumFigures, toUsage, type WireFigure } from './to-usage.ts'

/** Usage of Bedrock's Converse API, in its `metadata` event and in an answer that is not streamed. */
export interface BedrockUsage {
  /** Without tokens read from or written to the cache. */
  readonly inputTokens?: number | null | undefined
  readonly outputTokens?: number | null | undefined
  /** Including cached tokens. */
  readonly totalTokens?: number | null | undefined
  readonly cacheReadInputTokens?: number | null | undefined
  readonly cacheWriteInputTokens?: number | null | undefined
  /** Tokens written to the cache, by time to live. */
  readonly cacheDetails?: readonly { readonly ttl?: string; readonly inputTokens?: number }[] | null
}

/**
 * Converts Bedrock's usage. `inputTokens` includes cached tokens, which Bedrock reports separately. Figures that were not reported are
 * absent,
 * never 0.
 *
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html
 *
 * @example
 * bedrockUsage({ inputTokens: 125, outputTokens: 60, totalTokens: 1_209, cacheReadInputTokens: 1_024 })
 * // { inputTokens: 1_149, outputTokens: 60, totalTokens: 1_209, cacheReadTokens: 1_024 }
 */
export function bedrockUsage({ inputTokens: fresh, outputTokens, totalTokens, ...wire }: BedrockUsage): Usage {
  const { cacheReadInputTokens: read, cacheWriteInputTokens: written } = wire
  return toUsage({
    inputTokens: sumFigures(fresh, read, written),
    outputTokens,
    totalTokens,
    cacheReadTokens: read,
    cacheWriteTokens: written,
  })
}

/** Returns the part of `cacheWriteTokens` that is cached for one hour. It costs more than tokens cached for five minutes. */
export const bedrockCacheWrite1hTokens = ({ cacheDetails }: BedrockUsage): number | undefined =>
  cacheDetails?.find(({ ttl }) => ttl === '1h')?.inputTokens

/** The metrics that InvokeModel adds to the last chunk of each stream, as `amazon-bedrock-invocationMetrics`. */
export interface BedrockMetrics {
  /** Without tokens read from or written to the cache. */
  readonly inputTokenCount?: WireFigure
  readonly outputTokenCount?: WireFigure
  readonly cacheReadInputTokenCount?: WireFigure
  readonly cacheWriteInputTokenCount?: WireFigure
}

/**
 * Converts InvokeModel's metrics.
 *
 * @example
 * bedrockMetricsUsage({ inputTokenCount: 10, outputTokenCount: 5 })
 * // { inputTokens: 10, outputTokens: 5, totalTokens: 15 }
 */
export const bedrockMetricsUsage = (wire: BedrockMetrics): Usage => bedrockUsage(metricsToBedrockUsage(wire))

/** Names InvokeModel's metrics as Converse does. */
export const metricsToBedrockUsage = (wire: BedrockMetrics): BedrockUsage => ({
  inputTokens: wire.inputTokenCount,
  outputTokens: wire.outputTokenCount,
  cacheReadInputTokens: wire.cacheReadInputTokenCount,
  cacheWriteInputTokens: wire.cacheWriteInputTokenCount,
})
