import { stringify } from '../../core/json/stringify.ts'
import { fnv1aHash } from '../hash.ts'

/** A value as protobuf's JSON has it: 64-bit numbers are texts (opentelemetry-proto, common.proto). */
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

/** A number that is a double also where it happens to be whole: an attribute has one type. */
export interface Double {
  readonly double: number
}

export type AttributeValue = string | number | boolean | Double | readonly string[]

/** What is undefined is left out. */
export const attributes = (values: Readonly<Record<string, AttributeValue | undefined>>): Attribute[] =>
  Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [attribute(key, value)]))

export const attribute = (key: string, value: AttributeValue): Attribute => ({ key: toWellFormed(key), value: anyValue(value) })

function anyValue(value: AttributeValue): AnyValue {
  if (typeof value === 'string') return { stringValue: toWellFormed(value) }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number') return Number.isSafeInteger(value) ? { intValue: `${value}` } : anyValue({ double: value })
  if (isDouble(value)) return Number.isFinite(value.double) ? { doubleValue: value.double } : { stringValue: `${value.double}` }
  // What was imported may be anything.
  return Array.isArray(value) ? { arrayValue: { values: value.map(anyValue) } } : anyValue(toAttributeText(value))
}

const isDouble = (value: object): value is Double => 'double' in value && typeof value.double === 'number'

/** Half a surrogate pair is no text for protobuf. */
export const toWellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd')

/** Texts as they are, anything else as JSON. What is in a log has been cut already. */
export const toAttributeText = (value: unknown): string => (typeof value === 'string' ? value : stringify(value, { limit: Infinity }))

/** The largest number of ms whose ns are 64 bits. */
const MAX_NANOS_INPUT_MS = 18_446_744_073_709

/** ms since epoch as ns; 0, which says unknown, for what cannot be one. */
export const toUnixNanos = (at: number): string => (at > 0 && at <= MAX_NANOS_INPUT_MS ? `${BigInt(Math.round(at * 1_000)) * 1_000n}` : '0')

/** UUIDv7 have 16 bytes, as trace ids do. The last 8 of them tell the runs of a tree apart (see `idFactory`). */
const UUID_PATTERN = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i

/** Of the id of a root run. */
export const traceId = (id: string): string => toTraceHex(id)

export const spanId = (id: string): string => toTraceHex(id).slice(16)

/** An id that is no UUID comes from elsewhere: of it a hash, the same each time. */
const toTraceHex = (id: string): string =>
  UUID_PATTERN.test(id) ? id.replaceAll('-', '').toLowerCase() : fnv1aHash(id, 0) + fnv1aHash(id, 1) + fnv1aHash(id, 2) + fnv1aHash(id, 3)
