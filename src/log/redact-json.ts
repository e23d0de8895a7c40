/** Replaces a secret. */
export const REDACTED = '[redacted]'

export interface JsonRules {
  /** `isOwn`: the field belongs to the record itself, not to its data. */
  readonly isSecretName: (name: string, isOwn: boolean) => boolean
  readonly clean: (text: string) => string
}

/** Fields that identify a record. */
const IDENTITY_FIELD = /^(?:run|kind|type|level|\w*id)$/i

/**
 * Removes secrets from JSON: the value of a secret name, in an object, in a list of pairs, or as `value` beside `name`; and the matches of
 * `clean` in strings. The fields that identify a record, and the marks of the codec (`$`), stay.
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
    // Names can be secrets too, except those of the codec and of a record.
    if (typeof value !== 'object' || value === null || Array.isArray(value) || '$' in value || own.includes(value)) return value
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [clean(name), item]))
  })
  // Keeps the spaces and the number format of the input.
  return clear === JSON.stringify(given) ? json : clear
}
