import { isRecord } from './util/is-record.ts'

/** Tokens of one or more model calls. Figures that the provider did not report are absent; 0 is a reported 0. */
export interface Usage {
  /** Input tokens, including those read from and written to a cache. */
  readonly inputTokens?: number
  /** Output tokens, including reasoning. */
  readonly outputTokens?: number
  /** Input plus output tokens, or the provider's total if one of the two is unknown. */
  readonly totalTokens?: number
  /** Input tokens read from the provider's cache. */
  readonly cacheReadTokens?: number
  /** Input tokens written to the provider's cache. */
  readonly cacheWriteTokens?: number
  /** Output tokens of reasoning. */
  readonly reasoningTokens?: number
  /** The cost in US dollars, if the provider reports it. */
  readonly cost?: number
  /** The number of model calls in these figures. */
  readonly requests?: number
  /** Where the figures come from. */
  readonly source?: UsageSource
}

/** `provider`: reported completely; `partial`: lower bounds, as the response was cut; `estimated`: estimated by chaintap. */
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

/** Whether a value can be a number of tokens or calls: a whole number of 0 or more. */
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/**
 * Returns a usage without the figures that cannot be true: counts that are not whole numbers of 0 or more, and costs that are not finite
 * numbers of 0 or more. Providers and servers send strings, negative numbers and lists. Returns the same object if there are none.
 *
 * @param onImpossible Receives the names of the figures that are left out; none if `usage` is not an object.
 */
export function possibleUsage(usage: Usage, onImpossible?: (figures: readonly string[]) => void): Usage {
  const possible: { -readonly [K in keyof Usage]: Usage[K] } = isRecord(usage) ? { ...usage } : {}
  const impossible = summedFields.filter((figure) => {
    const value = possible[figure]
    return value !== undefined && !(isCount(value) || (figure === 'cost' && Number.isFinite(value) && value >= 0))
  })
  if (isRecord(usage) && impossible.length === 0) return usage
  for (const figure of impossible) delete possible[figure]
  onImpossible?.(impossible)
  return withTotal(possible)
}

/** Completes a total that was not reported, or that is less than its parts, if both are known (P8). */
export function withTotal(usage: Usage): Usage {
  const { inputTokens: input, outputTokens: output, totalTokens: total = -1 } = usage
  return isCount(input) && isCount(output) && total < input + output ? { ...usage, totalTokens: input + output } : usage
}

/**
 * Adds the usage of two responses: known figures are added, unknown ones stay absent, and the less reliable `source` is kept.
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

/** Fields as a wire reports them: null is unknown, too. */
type NullableFields<T> = { readonly [K in keyof T]?: T[K] | null | undefined }

/**
 * Merges two reports of the same response, normalised or in a wire's own form: the later known value of each field wins, also in nested
 * objects; nothing is added (P8). An input of 0 does not replace a positive one: some servers report it only at the start. Unknown fields
 * are absent.
 *
 * @param owned The objects that earlier calls with this set returned and that nothing else holds. They are changed, not copied: n reports
 *   with a new field each would take time quadratic in n.
 */
export function mergeUsage<T extends object = Usage>(earlier: T | undefined, later: NullableFields<T>, owned?: WeakSet<object>): T {
  const merged = earlier && owned?.has(earlier) ? earlier : ({ ...earlier } as T)
  owned?.add(merged)
  for (const key in later) {
    const value: unknown = later[key]
    if (value === null || value === undefined || (value === 0 && Number(merged[key]) > 0 && /^(input|prompt)/.test(key))) continue
    merged[key] = (isRecord(value) && isRecord(merged[key]) ? mergeUsage<object>(merged[key], value, owned) : value) as T[typeof key]
  }
  return merged
}
