import { stringify } from './index.ts'

/** Converts a value to plain JSON for any client, without markers. Values that JSON.stringify rejects (cycles, BigInt) go through {@link stringify}. */
export function plainJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null'
  } catch {
    return stringify(value)
  }
}
