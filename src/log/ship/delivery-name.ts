import { fnv1aHash } from '../hash.ts'
import { createSecretRedactor } from '../redact.ts'

/** What is in a name that is written to a log, and tells one address from another all the same. */
export function redactDeliveryName(name: string): string {
  const text = createSecretRedactor([]).mask(name)
  return text === name ? name : `${text} ${fnv1aHash(name)}`
}
