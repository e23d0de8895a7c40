/** Stands in place of a secret. */
export const REDACTED = '[redacted]'

export interface JsonRules {
  /** `isOwn`: of a field that is not data, but says what a record is. */
  readonly isSecretName: (name: string, isOwn: boolean) => boolean
  readonly clean: (text: string) => string
}

/** Fields of a record that say what it is. */
const IDENTITY_FIELD = /^(?:run|kind|type|level|\w*id)$/i

/**
 * JSON without secrets, of a record or of anything else: what follows a secret name, in an object, in a list of pairs, and as the `value`
 * beside a `name`; and what rules for texts find. No rule changes what a record is known by, nor what the codec has marked.
 */
export function redactJson(json: string, { isSecretName, clean }: JsonRules, isRecord: boolean): string {
  const given: unknown = JSON.parse(json)
  const own = isRecord ? [given, (given as { readonly run?: unknown }).run] : []
  const isName = (name: unknown): boolean => typeof name === 'string' && isSecretName(name, false)
  const clear = JSON.stringify(given, function (this: Readonly<Record<string, unknown>>, key, value: unknown) {
    const isOwn = own.includes(this)
    const kind = this.$
    if (key === '$' || (isOwn && typeof value === 'string' && IDENTITY_FIELD.test(key))) return value
    const isSecret = Array.isArray(this)
      ? isName(this[Number(key) - 1])
      : isSecretName(key, isOwn || (kind !== undefined && kind !== 'error')) || (key === 'value' && isName(this.name))
    if (isSecret && value !== '' && value !== null && typeof value !== 'boolean') return REDACTED
    if (typeof value === 'string') return clean(value)
    // A name may be a secret, too; but not one of the codec's, or of a record.
    if (typeof value !== 'object' || value === null || Array.isArray(value) || '$' in value || own.includes(value)) return value
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [clean(name), item]))
  })
  // Its own spaces, and what a number was written as.
  return clear === JSON.stringify(given) ? json : clear
}
