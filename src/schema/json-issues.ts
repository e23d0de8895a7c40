import { type Schema, Validator } from '@cfworker/json-schema'
import { ChaintapError } from '../core/errors.ts'
import type { Issue } from './issue.ts'
import type { JsonSchema } from './json-schema.ts'

/** Keywords whose failure says only that something within has failed, which is an issue of its own. */
const wrapperKeywords: ReadonlySet<string> = new Set([
  '$ref',
  '$recursiveRef',
  'additionalItems',
  'additionalProperties',
  'allOf',
  'dependentSchemas',
  'if',
  'items',
  'patternProperties',
  'prefixItems',
  'properties',
  'propertyNames',
  'unevaluatedItems',
  'unevaluatedProperties',
])

/** What a JSON Schema finds wrong with a value, nothing where it fits. Loaded by `validate()` alone: it brings the validator. */
export function jsonIssues(schema: JsonSchema, value: unknown): readonly Issue[] {
  const seen = toJsonValue(value)
  if ('problem' in seen) return [{ message: `This is not JSON: ${seen.problem}`, path: [] }]
  const { errors } = runValidator(schema, seen.value)
  const within = errors.filter(({ keyword }) => !wrapperKeywords.has(keyword))
  return (within.length > 0 ? within : errors).map(({ keyword, error, instanceLocation }) => ({
    message: keyword === 'false' ? 'Nothing is allowed here.' : error,
    path: parseJsonPointer(instanceLocation),
  }))
}

/** As the schema sees it: what is undefined is not there, a date is a text. */
function toJsonValue(value: unknown): { readonly value: unknown } | { readonly problem: string } {
  try {
    return { value: JSON.parse(JSON.stringify(value) ?? 'null') }
  } catch (error) {
    return { problem: String(error) }
  }
}

function runValidator(schema: JsonSchema, value: unknown): ReturnType<Validator['validate']> {
  try {
    // A copy: the library notes addresses in the schema it is given, which may be frozen, or on its way to a model.
    return new Validator(structuredClone(schema) as Schema, schemaDraft(schema), false).validate(value)
  } catch (cause) {
    throw new ChaintapError('invalid_options', `This JSON Schema cannot be used: ${String(cause)}`, { cause })
  }
}

function schemaDraft({ $schema = '' }: JsonSchema): '4' | '7' | '2020-12' {
  if ($schema.includes('draft-04')) return '4'
  return $schema.includes('draft-07') ? '7' : '2020-12'
}

/** The keys in a JSON pointer, as a URI's fragment. */
const parseJsonPointer = (pointer: string): readonly string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((key) => decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~'))
