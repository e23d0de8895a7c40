import { ChaintapError } from '../core/errors.ts'
import { errorMessage } from '../core/util/error-message.ts'
import type { StandardSchema } from './standard.ts'

/** A JSON Schema: draft 2020-12, or what `$schema` says (4, 7 and 2019-09 are understood). The keywords named here are those that we read. */
export interface JsonSchema {
  readonly $schema?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, JsonSchema | boolean>>
  readonly required?: readonly string[]
  readonly [keyword: string]: unknown
  /** Never there: keeps the schemas of libraries apart from plain ones. */
  readonly '~standard'?: never
}

/** A library's schema, or a plain one. */
export type AnySchema<In = unknown, Out = In> = StandardSchema<In, Out> | JsonSchema

export const isStandardSchema = (schema: AnySchema): schema is StandardSchema => '~standard' in schema

/**
 * What a schema takes, as JSON Schema; without `$schema`, which models need not read.
 *
 * @throws ChaintapError `invalid_options` where the library cannot say it, alone or for this schema (a date, a function).
 *
 * @example
 * toJsonSchema(z.object({ city: z.string() })) // { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
 */
export function toJsonSchema(schema: AnySchema): JsonSchema {
  if (!isStandardSchema(schema)) return withoutDraft(schema)
  const { vendor, jsonSchema } = schema['~standard']
  if (!jsonSchema) throw noJsonSchemaError(`${vendor} alone cannot say its schemas as JSON Schema.`)
  try {
    return withoutDraft(jsonSchema.input({ target: 'draft-2020-12' }))
  } catch (cause) {
    throw noJsonSchemaError(`${vendor} cannot say this schema as JSON Schema: ${errorMessage(cause)}.`, cause)
  }
}

const withoutDraft = ({ $schema: _draft, ...rest }: JsonSchema): JsonSchema => rest

const noJsonSchemaError = (problem: string, cause?: unknown): ChaintapError =>
  new ChaintapError('invalid_options', `${problem} Pass jsonSchema beside it.`, cause === undefined ? undefined : { cause })
