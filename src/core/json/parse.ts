import { ChaintapError } from '../errors.ts'
import { MAX_BIGINT_DIGITS, Marked } from './marked.ts'
import { reviveError } from './revive-error.ts'

/** `stringify` writes at most 200 levels of data, each up to three levels of JSON. */
const MAX_PARSE_DEPTH = 1_000

/**
 * Parses JSON text of {@link stringify}, and restores what plain JSON lacks: `undefined`, dates, errors, maps, sets, …
 *
 * @throws ChaintapError `invalid_json` if the text is not JSON, is nested more than 1,000 levels deep, or has an unknown marker
 * @example
 * const { since } = parse(stringify({ since: new Date(0) })) as { since: Date }
 */
export function parse(json: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw new ChaintapError('invalid_json', `Invalid JSON: ${excerpt(json)} (${(cause as Error).message})`, {
      cause,
    })
  }
  // Nearly all events have no marker: this search costs a hundredth of the walk.
  return json.includes('"$') ? revive(value, 0) : value
}

/** The first 80 characters of a text as JSON, for error messages. */
export const excerpt = (text: string): string => (text.length > 80 ? `${JSON.stringify(text.slice(0, 80))}…` : JSON.stringify(text))

/** The beginning of a value as JSON, for error messages. Not `stringify`: a program that only reads events would load half as much code again. */
export function excerptValue(value: unknown): string {
  try {
    return excerpt(String(JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item))))
  } catch {
    // Nested so deeply that the engine's stack overflows.
    return `${Array.isArray(value) ? 'an array' : 'an object'} nested too deeply`
  }
}

function revive(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth > MAX_PARSE_DEPTH) throw new ChaintapError('invalid_json', `The JSON is nested more than ${MAX_PARSE_DEPTH} levels deep.`)
  if (Array.isArray(value)) return value.map((item) => revive(item, depth + 1))
  const { $: kind, ...data } = value as { readonly $?: unknown }
  const entries = Object.entries(data).map(([key, item]) => [unescapeKey(key), revive(item, depth + 1)] as const)
  // Object.fromEntries defines properties: a key `__proto__` stays data.
  return kind === undefined ? Object.fromEntries(entries) : reviveMarked(kind, new Map(entries))
}

function reviveMarked(kind: unknown, fields: ReadonlyMap<string, unknown>): unknown {
  const [text, value] = [fields.get('text'), fields.get('value')]
  if (kind === 'undefined') return undefined
  if (kind === 'error') return reviveError(fields)
  if (kind === 'map' && isPairs(value)) return new Map(value)
  if (kind === 'set' && Array.isArray(value)) return new Set(value)
  if (typeof kind !== 'string' || typeof text !== 'string') throw unknownMarkError(kind)
  if (kind === 'cut') return `${text}… [${String(fields.get('cut'))} more characters]`
  if (kind === 'number') return Number(text)
  if (kind === 'date') return new Date(text === 'invalid' ? Number.NaN : text)
  if (kind === 'bigint' && text.length <= MAX_BIGINT_DIGITS && /^-?\d+$/.test(text)) return BigInt(text)
  return new Marked(kind, text)
}

const unescapeKey = (key: string): string => (/^\$\$+$/.test(key) ? key.slice(1) : key)

function isPairs(value: unknown): value is [unknown, unknown][] {
  return Array.isArray(value) && value.every((pair) => Array.isArray(pair) && pair.length === 2)
}

const unknownMarkError = (kind: unknown): ChaintapError =>
  new ChaintapError('invalid_json', `Unknown marker in JSON: "$" is ${excerptValue(kind)}. Write a data key "$" as "$$".`)
