import { mergeUsage, type Usage } from '../../core/usage.ts'

/** A wire's figures as ours: null is unknown, and the total is that of input and output, or where one is unknown the provider's own. */
export function toUsage(given: { readonly [Figure in keyof Usage]: Usage[Figure] | null | undefined }): Usage {
  const { inputTokens: input, outputTokens: output } = given
  const isWhole = typeof input === 'number' && typeof output === 'number'
  return mergeUsage<Usage>(undefined, isWhole ? { ...given, totalTokens: input + output } : given)
}
