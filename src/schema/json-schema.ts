import { ChaintapError } from '../core/errors.ts'
import { errorMessage } from '../core/util/error-message.ts'
import type { StandardSchema } from './standard.ts'

/**
 * A JSON Schema. Drafts 4, 7, 2019-09 and 2020-12 are supported; `$schema` selects one. Only the keywords that this library reads are
 * typed.
 *
 * @see https://json-schema.org
 */
export interface JsonSchema {
  /**
   * The URI of the draft.
   *
   * @defaultValue draft 2020-12
   */
  readonly $schema?: string
  /** The allowed JSON types. */
  readonly type?: string | readonly string[]
  /** What the value is for. Sent to models. */
  readonly description?: string
  /** The schemas of an object's properties. */
  readonly properties?: Readonly<Record<string, JsonSchema | boolean>>
  /** The names of an object's required properties. */
  readonly required?: readonly string[]
  /** Any other keyword. */
  readonly [keyword: string]: unknown
  /** Never present. It keeps a {@link StandardSchema} from being assignable. */
  readonly '~standard'?: never
}

/** A schema of a library that implements Standard Schema, or a plain JSON Schema. */
export type AnySchema<In = unknown, Out = In> = StandardSchema<In, Out> | JsonSchema

export const isStandardSchema = (schema: AnySchema): schema is StandardSchema => '~standard' in schema

/**
 * Converts a schema's input type to JSON Schema, without `$schema`, which models do not need.
 *
 * @throws ChaintapError `invalid_options` if the library has no JSON Schema converter, or cannot convert this schema (a date, a function).
 *
 * @example
 * toJsonSchema(z.object({ city: z.string() })) // { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
 */
export function toJsonSchema(schema: AnySchema): JsonSchema {
  if (!isStandardSchema(schema)) return withoutDraft(schema)
  const { vendor, jsonSchema } = schema['~standard']
  if (!jsonSchema) throw noJsonSchemaError(`${vendor} schemas have no JSON Schema converter.`)
  try {
    return withoutDraft(jsonSchema.input({ target: 'draft-2020-12' }))
  } catch (cause) {
    throw noJsonSchemaError(`${vendor} cannot convert this schema to JSON Schema: ${errorMessage(cause)}.`, cause)
  }
}

const withoutDraft = ({ $schema: _draft, ...rest }: JsonSchema): JsonSchema => rest

const noJsonSchemaError = (problem: string, cause?: unknown): ChaintapError =>
  new ChaintapError('invalid_options', `${problem} Pass jsonSchema too.`, cause === undefined ? undefined : { cause })
