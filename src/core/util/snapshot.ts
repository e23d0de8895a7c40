/** Deeper than any known input. Values below that depth, and so in cycles, are not copied. */
const SNAPSHOT_DEPTH = 16

/**
 * Copies plain objects and arrays deeply and shares all other values, so that handlers cannot change the run's own data. Not
 * `structuredClone`, which throws for functions and takes ten times as long.
 */
export function snapshot(value: unknown, depth: number = SNAPSHOT_DEPTH): unknown {
  if (typeof value !== 'object' || value === null || depth === 0) return value
  if (Array.isArray(value)) return value.map((item) => snapshot(item, depth - 1))
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    Object.defineProperty(copy, key, {
      value: snapshot((value as Record<string, unknown>)[key], depth - 1),
      writable: true,
      enumerable: true,
      configurable: true,
    })
  }
  return copy
}
