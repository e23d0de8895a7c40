import { ChaintapError } from '../errors.ts'
import { MAX_BIGINT_DIGITS, Marked } from './marked.ts'
import { reviveError } from './revive-error.ts'

/** What is written is at most 200 levels of data, each of up to three of JSON. */
const MAX_PARSE_DEPTH = 1_000

/**
 * Reads what `stringify` wrote.
 *
 * @throws ChaintapError `invalid_json`, which says what is wrong and where
 */
export function parse(json: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw new ChaintapError('invalid_json', `This is not JSON: ${excerpt(json)} (${(cause as Error).message})`, {
      cause,
    })
  }
  // Nothing is marked, as in nearly all events: a search costs a hundredth of the walk.
  return json.includes('"$') ? revive(value, 0) : value
}

/** The beginning of a text, for messages. */
export const excerpt = (text: string): string => (text.length > 80 ? `${JSON.stringify(text.slice(0, 80))}…` : JSON.stringify(text))

function revive(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth > MAX_PARSE_DEPTH) throw new ChaintapError('invalid_json', `This JSON is nested deeper than ${MAX_PARSE_DEPTH} levels.`)
  if (Array.isArray(value)) return value.map((item) => revive(item, depth + 1))
  const { $: kind, ...data } = value as { readonly $?: unknown }
  const entries = Object.entries(data).map(([key, item]) => [unescapeKey(key), revive(item, depth + 1)] as const)
  // fromEntries defines: a key `__proto__` is data.
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
  new ChaintapError(
    'invalid_json',
    `This JSON has a mark that is none: "$" is ${excerpt(String(JSON.stringify(kind)))}. Data's own key "$" is written "$$".`,
  )
