/** Deeper than any input we know of; what lies deeper, or in a cycle, is handed over as it is. */
const SNAPSHOT_DEPTH = 16

/**
 * Plain objects and arrays copied, anything else as it is: what a handler does to an event does not reach the run. Not
 * `structuredClone`, which fails on functions and costs ten times as much.
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
