import { stringify } from '../../core/json/stringify.ts'
import { fnv1aHash } from '../../core/util/hash.ts'

/** A value in protobuf's JSON mapping: 64-bit integers are strings (opentelemetry-proto, common.proto). */
type AnyValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly arrayValue: { readonly values: readonly AnyValue[] } }

export interface Attribute {
  readonly key: string
  readonly value: AnyValue
}

/** A number that is exported as a double even if it is an integer: an attribute has one type. */
export interface Double {
  readonly double: number
}

export type AttributeValue = string | number | boolean | Double | readonly string[]

/** Converts values to attributes; skips `undefined`. */
export const attributes = (values: Readonly<Record<string, AttributeValue | undefined>>): Attribute[] =>
  Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [attribute(key, value)]))

export const attribute = (key: string, value: AttributeValue): Attribute => ({ key: toWellFormed(key), value: anyValue(value) })

function anyValue(value: AttributeValue): AnyValue {
  if (typeof value === 'string') return { stringValue: toWellFormed(value) }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number') return Number.isSafeInteger(value) ? { intValue: `${value}` } : anyValue({ double: value })
  if (isDouble(value)) return Number.isFinite(value.double) ? { doubleValue: value.double } : { stringValue: `${value.double}` }
  // Imported records may contain other types.
  return Array.isArray(value) ? { arrayValue: { values: value.map(anyValue) } } : anyValue(toAttributeText(value))
}

const isDouble = (value: object): value is Double => 'double' in value && typeof value.double === 'number'

/** Replaces unpaired surrogates, which protobuf strings cannot contain. */
export const toWellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd')

/** Strings unchanged, other values as JSON. Values were already limited when they were logged. */
export const toAttributeText = (value: unknown): string => (typeof value === 'string' ? value : stringify(value, { limit: Infinity }))

/** The largest number of ms whose value in ns fits into 64 bits. */
const MAX_NANOS_INPUT_MS = 18_446_744_073_709

/** Converts ms since epoch to ns. Returns `'0'` (unknown) for values out of range. */
export const toUnixNanos = (at: number): string => (at > 0 && at <= MAX_NANOS_INPUT_MS ? `${BigInt(Math.round(at * 1_000)) * 1_000n}` : '0')

/** A UUIDv7 has 16 bytes, as a trace id has. Its last 8 bytes are unique within a run tree (see `idFactory`). */
const UUID_PATTERN = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i

/** The trace id for the id of a root run. */
export const traceId = (id: string): string => toTraceHex(id)

/** The span id for the id of a run. */
export const spanId = (id: string): string => toTraceHex(id).slice(16)

/** Hashes ids that are not UUIDs, which other programs may have made: the same id always gives the same hash. */
const toTraceHex = (id: string): string =>
  UUID_PATTERN.test(id) ? id.replaceAll('-', '').toLowerCase() : fnv1aHash(id, 0) + fnv1aHash(id, 1) + fnv1aHash(id, 2) + fnv1aHash(id, 3)
