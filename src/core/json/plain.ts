import { stringify } from './index.ts'

/** JSON as anybody's clients read it: a date is a text, nothing is marked. What has no JSON (cycles, BigInt) is written as the codec does. */
export function plainJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null'
  } catch {
    return stringify(value)
  }
}
