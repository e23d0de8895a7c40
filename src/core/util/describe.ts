/** Describes a value for an error message by its type and keys, never by its content (P11). */
export function describeForError(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  if (Array.isArray(value)) return 'an array'
  if (typeof value !== 'object') return `a ${typeof value}`
  const keys = Object.keys(value)
  const named = keys.slice(0, 5).join(', ')
  return keys.length === 0 ? 'an empty object' : `an object with ${named}${keys.length > 5 ? ', …' : ''}`
}
