import { isRecord } from './util/is-record.ts'

/**
 * Tokens spent. A field that nobody reported is absent, never 0 (a 0 is one that the provider wrote).
 *
 * `inputTokens` includes what was read from and written to a cache, `outputTokens` includes reasoning.
 */
export interface Usage {
  readonly inputTokens?: number
  readonly outputTokens?: number
  /** Input and output together; the provider's own total where one of them is unknown. */
  readonly totalTokens?: number
  readonly cacheReadTokens?: number
  readonly cacheWriteTokens?: number
  readonly reasoningTokens?: number
  /** In US dollars, where the provider itself says so. */
  readonly cost?: number
  /** How many model calls these figures sum up. */
  readonly requests?: number
  /** `provider`: reported whole; `partial`: the answer was cut, these are lower bounds; `estimated`: counted by us. */
  readonly source?: UsageSource
}

export type UsageSource = 'provider' | 'partial' | 'estimated'

const summedFields = [
  'inputTokens',
  'outputTokens',
  'totalTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
  'reasoningTokens',
  'cost',
  'requests',
] as const

const sourcesByReliability: readonly UsageSource[] = ['provider', 'partial', 'estimated']

/**
 * The sum over two responses: known figures add, unknown ones stay unknown, and the weaker `source` wins.
 *
 * @example
 * addUsage({ inputTokens: 3, source: 'provider' }, { inputTokens: 4, outputTokens: 1, source: 'partial' })
 * // { inputTokens: 7, outputTokens: 1, source: 'partial' }
 */
export function addUsage(a: Usage | undefined, b: Usage | undefined): Usage | undefined {
  if (!a || !b) return a ?? b
  const sum: { -readonly [K in keyof Usage]: Usage[K] } = {}
  for (const figure of summedFields) {
    const [x, y] = [a[figure], b[figure]]
    if (x !== undefined || y !== undefined) sum[figure] = (x ?? 0) + (y ?? 0)
  }
  const source =
    sourcesByReliability[
      Math.max(sourcesByReliability.indexOf(a.source ?? 'provider'), sourcesByReliability.indexOf(b.source ?? 'provider'))
    ]
  if (source && (a.source || b.source)) sum.source = source
  return sum
}

/** Figures as a wire may give them: null is unknown too. */
type NullableFields<T> = { readonly [K in keyof T]?: T[K] | null | undefined }

/**
 * Two reports of one and the same response, ours or a wire's own: the later known value of each field wins, in objects within them too, and
 * nothing is added (P8). What is not known is absent.
 */
export function mergeUsage<T extends object = Usage>(earlier: T | undefined, later: NullableFields<T>): T {
  const merged = { ...earlier } as T
  for (const key in later) {
    const value: unknown = later[key]
    if (value === null || value === undefined) continue
    merged[key] = (isRecord(value) && isRecord(merged[key]) ? mergeUsage<object>(merged[key], value) : value) as T[typeof key]
  }
  return merged
}
