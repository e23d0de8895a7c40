import { mergeUsage, type Usage } from '../../core/usage.ts'

/**
 * Normalizes a provider's figures: removes null, and computes the total from input and output; if one is unknown, the reported total stays.
 */
export function toUsage(figures: { readonly [Figure in keyof Usage]: Usage[Figure] | null | undefined }): Usage {
  const { inputTokens: input, outputTokens: output } = figures
  const isWhole = typeof input === 'number' && typeof output === 'number'
  return mergeUsage<Usage>(undefined, isWhole ? { ...figures, totalTokens: input + output } : figures)
}
