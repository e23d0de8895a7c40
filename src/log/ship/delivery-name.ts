import { hash } from '../hash.ts'
import { redaction } from '../redact.ts'

/** What is in a name that is written to a log, and tells one address from another all the same. */
export function withoutSecrets(name: string): string {
  const text = redaction([]).cover(name)
  return text === name ? name : `${text} ${hash(name)}`
}
