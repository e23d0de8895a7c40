import { fnv1aHash } from '../../core/util/hash.ts'
import { createSecretRedactor } from '../redact.ts'

/** Redacts secrets in a delivery name; a hash keeps names that differ only in their secrets apart. */
export function redactDeliveryName(name: string): string {
  const text = createSecretRedactor([]).mask(name)
  return text === name ? name : `${text} ${fnv1aHash(name)}`
}
