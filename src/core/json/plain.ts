import { stringify } from './index.ts'

/** Converts a value to JSON for any client, without markers. What JSON.stringify rejects (cycles, BigInt), {@link stringify} writes. */
export function plainJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null'
  } catch {
    return stringify(value)
  }
}
