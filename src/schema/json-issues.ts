import { type Schema, Validator } from '@cfworker/json-schema'
import { ChaintapError } from '../core/errors.ts'
import type { Issue } from './issue.ts'
import type { JsonSchema } from './json-schema.ts'

/** Keywords whose failure only repeats an issue of a nested keyword. */
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

/** The issues of a value under a JSON Schema; empty if it is valid. Only `validate()` imports it, lazily, because it pulls in the validator. */
export function jsonIssues(schema: JsonSchema, value: unknown): readonly Issue[] {
  const json = toJsonValue(value)
  if ('problem' in json) return [{ message: `The value is not JSON: ${json.problem}`, path: [] }]
  const { errors } = runValidator(schema, json.value)
  const innermost = errors.filter(({ keyword }) => !wrapperKeywords.has(keyword))
  return (innermost.length > 0 ? innermost : errors).map(({ keyword, error, instanceLocation }) => ({
    message: keyword === 'false' ? 'No value is allowed here.' : error,
    path: parseJsonPointer(instanceLocation),
  }))
}

/** The value as JSON: `undefined` fields are absent, a date is a string. */
function toJsonValue(value: unknown): { readonly value: unknown } | { readonly problem: string } {
  try {
    return { value: JSON.parse(JSON.stringify(value) ?? 'null') }
  } catch (error) {
    return { problem: String(error) }
  }
}

function runValidator(schema: JsonSchema, value: unknown): ReturnType<Validator['validate']> {
  try {
    // A copy: the library writes URIs into the schema, which may be frozen or sent to a model later.
    return new Validator(structuredClone(schema) as Schema, schemaDraft(schema), false).validate(value)
  } catch (cause) {
    throw new ChaintapError('invalid_options', `Invalid JSON Schema: ${String(cause)}`, { cause })
  }
}

function schemaDraft({ $schema = '' }: JsonSchema): '4' | '7' | '2020-12' {
  if ($schema.includes('draft-04')) return '4'
  return $schema.includes('draft-07') ? '7' : '2020-12'
}

/** The keys of a JSON pointer in URI fragment form. */
const parseJsonPointer = (pointer: string): readonly string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((key) => decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~'))
