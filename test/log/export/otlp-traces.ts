import { expect } from 'vitest'

type Json = null | string | number | boolean | readonly Json[] | { readonly [key: string]: Json }
type Fields = Readonly<Record<string, (value: Json, at: string) => void>>

/** A span of an exported line, with its attributes as plain values. */
export interface ReadSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly events: readonly {
    readonly timeUnixNano: string
    readonly name: string
    readonly attributes: Readonly<Record<string, unknown>>
  }[]
  readonly status?: { readonly code: number; readonly message?: string }
  readonly droppedAttributesCount?: number
  readonly droppedEventsCount?: number
}

const check =
  (what: string, is: (value: Json) => boolean) =>
  (value: Json, at: string): void => {
    if (!is(value)) throw new Error(`${at} is not ${what}: ${JSON.stringify(value)}`)
  }

const text = check('a well-formed string', (value) => typeof value === 'string' && !/\p{Surrogate}/u.test(value))
const id = (bytes: number) =>
  check(
    `${bytes} bytes in hex, not all 0`,
    (value) => typeof value === 'string' && new RegExp(`^[\\da-f]{${bytes * 2}}$`).test(value) && /[^0]/.test(value),
  )
const uint32 = check('a uint32', (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 32)
const fixed64 = check(
  'a fixed64 in decimal',
  (value) => typeof value === 'string' && /^(0|[1-9]\d*)$/.test(value) && BigInt(value) < 2n ** 64n,
)
const int64 = check(
  'an int64 in decimal',
  (value) => typeof value === 'string' && /^(0|-?[1-9]\d*)$/.test(value) && BigInt.asIntN(64, BigInt(value)) === BigInt(value),
)

const list =
  (item: (value: Json, at: string) => void) =>
  (value: Json, at: string): void => {
    if (!Array.isArray(value)) throw new Error(`${at} is not a list`)
    for (const [i, element] of value.entries()) item(element as Json, `${at}[${i}]`)
  }

/** An object in protobuf's JSON mapping: only known fields, in camelCase. */
const message =
  (fields: () => Fields) =>
  (value: Json, at: string): void => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${at} is not an object`)
    for (const [key, field] of Object.entries(value)) {
      const known = Object.hasOwn(fields(), key) ? fields()[key] : undefined
      if (!known) throw new Error(`${at} has an unknown field ${key}`)
      known(field, `${at}.${key}`)
    }
  }

const anyValue = (value: Json, at: string): void => {
  message(() => ({
    stringValue: text,
    boolValue: check('a boolean', (value) => typeof value === 'boolean'),
    intValue: int64,
    doubleValue: check('a number', Number.isFinite),
    arrayValue: message(() => ({ values: list(anyValue) })),
  }))(value, at)
  if (Object.keys(value as object).length !== 1) throw new Error(`${at} is not one value`)
}
const attributes = (value: Json, at: string): void => {
  list(message(() => ({ key: text, value: anyValue })))(value, at)
  const keys = (value as readonly { key: string }[]).map(({ key }) => key)
  if (new Set(keys).size < keys.length) throw new Error(`${at} has a key twice: ${keys.join(', ')}`)
}
const event = message(() => ({ timeUnixNano: fixed64, name: text, attributes, droppedAttributesCount: uint32 }))
const span = message(() => ({
  traceId: id(16),
  spanId: id(8),
  parentSpanId: id(8),
  name: check('a name', (value) => typeof value === 'string' && value !== '' && !/\p{Surrogate}/u.test(value)),
  kind: check('a SpanKind', (value) => [1, 2, 3, 4, 5].includes(value as number)),
  startTimeUnixNano: fixed64,
  endTimeUnixNano: fixed64,
  attributes,
  droppedAttributesCount: uint32,
  events: list(event),
  droppedEventsCount: uint32,
  status: message(() => ({ code: check('a StatusCode', (value) => [0, 1, 2].includes(value as number)), message: text })),
}))
const scope = message(() => ({ name: text, version: text, attributes }))
const scopeSpans = message(() => ({ scope, spans: list(span), schemaUrl: text }))
const resourceSpans = message(() => ({ resource: message(() => ({ attributes })), scopeSpans: list(scopeSpans), schemaUrl: text }))

/** opentelemetry-proto's TracesData (equal to ExportTraceServiceRequest) in OTLP/JSON: ids in hex, enums as numbers. */
const tracesData = message(() => ({ resourceSpans: list(resourceSpans) }))

interface Line {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly ReadSpan[] }[] }[]
}

/** The spans of each exported line, after checking the line against the protocol. */
export function linesOf(exported: string): readonly (readonly ReadSpan[])[] {
  if (exported === '') return []
  expect(exported.endsWith('\n')).toBe(true)
  return exported
    .slice(0, -1)
    .split('\n')
    .map((line, i) => {
      tracesData(JSON.parse(line), `line ${i}`)
      const { resourceSpans } = JSON.parse(line) as Line
      return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map(plain)))
    })
}

const plain = (span: ReadSpan): ReadSpan => ({
  ...span,
  attributes: values(span.attributes),
  events: span.events.map((event) => ({ ...event, attributes: values(event.attributes) })),
})

const values = (attributes: unknown): Readonly<Record<string, unknown>> =>
  Object.fromEntries((attributes as readonly { key: string; value: object }[]).map(({ key, value }) => [key, plainValue(value)]))

function plainValue(value: object): unknown {
  const [[kind, inner]] = Object.entries(value) as [[string, unknown]]
  if (kind === 'arrayValue') return (inner as { values: readonly object[] }).values.map(plainValue)
  return kind === 'intValue' ? Number(inner) : inner
}
