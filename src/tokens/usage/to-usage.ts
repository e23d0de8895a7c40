import { isCount, mergeUsage, type Usage, withTotal } from '../../core/usage.ts'

/** A figure as a wire reports it. Servers do not always keep to the type. */
export type WireFigure = number | null | undefined

/**
 * Normalizes a provider's figures: removes null. The reported total is trusted, unless it is less than its parts; without one it is their
 * sum. Figures that cannot be true are left out where the usage is received.
 */
export const toUsage = (figures: { readonly [Figure in keyof Usage]: Usage[Figure] | null | undefined }): Usage =>
  withTotal(mergeUsage<Usage>(undefined, figures))

/** Returns the sum of the known figures; undefined if the first is unknown, NaN if one cannot be true. */
export const sumFigures = (first: WireFigure, ...others: readonly WireFigure[]): number | undefined =>
  first === null || first === undefined
    ? undefined
    : [first, ...others].reduce<number>((sum, figure) => sum + (isCount(figure ?? 0) ? (figure ?? 0) : Number.NaN), 0)
