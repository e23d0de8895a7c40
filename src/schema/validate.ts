import type { Issue } from './issue.ts'
import { type AnySchema, isStandardSchema, type JsonSchema } from './json-schema.ts'
import type { StandardSchema } from './standard.ts'

/** A value that fits, as the schema gives it (defaults filled in, texts made numbers), or what is wrong with it. */
export type Validated<Out = unknown> = { readonly value: Out; readonly issues?: undefined } | { readonly issues: readonly Issue[] }

/**
 * Holds a value against a schema. Plain JSON Schema changes nothing in it, and loads its validator when it is first needed.
 *
 * @throws ChaintapError `invalid_options` for a JSON Schema that cannot be used.
 *
 * @example
 * const { issues } = await validate(z.object({ city: z.string() }), { city: 7 }) // [{ path: ['city'], message: '… expected string …' }]
 */
export function validate<In, Out>(schema: StandardSchema<In, Out>, value: unknown): Promise<Validated<Out>>
export function validate(schema: AnySchema, value: unknown): Promise<Validated>
export async function validate(schema: AnySchema, value: unknown): Promise<Validated> {
  if (!isStandardSchema(schema)) return validateJsonSchema(schema, value)
  const result = await schema['~standard'].validate(value)
  if (!result.issues) return result
  return {
    issues: result.issues.map(({ message, path = [] }) => ({
      message,
      path: path.map((step) => (typeof step === 'object' ? step.key : step)),
    })),
  }
}

async function validateJsonSchema(schema: JsonSchema, value: unknown): Promise<Validated> {
  const { jsonIssues } = await import('./json-issues.ts')
  const issues = jsonIssues(schema, value)
  return issues.length > 0 ? { issues } : { value }
}

/** More than anybody mends at once. */
const MAX_SHOWN_ISSUES = 10

/** Issues in a line each, as a person or a model can mend them. */
export function formatIssues(issues: readonly Issue[]): string {
  const lines = issues
    .slice(0, MAX_SHOWN_ISSUES)
    .map(({ message, path }) => (path.length > 0 ? `${path.map(String).join('.')}: ${message}` : message))
  return [...lines, ...(issues.length > MAX_SHOWN_ISSUES ? [`… and ${issues.length - MAX_SHOWN_ISSUES} more`] : [])]
    .map((line) => `- ${line}`)
    .join('\n')
}
