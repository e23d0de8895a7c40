import type { Issue } from './issue.ts'
import { type AnySchema, isStandardSchema, type JsonSchema } from './json-schema.ts'
import type { StandardSchema } from './standard.ts'

/** The result of a validation: the value as the schema returns it (with defaults and conversions), or the issues. */
export type Validated<Out = unknown> = { readonly value: Out; readonly issues?: undefined } | { readonly issues: readonly Issue[] }

/**
 * Validates a value against a schema. Plain JSON Schema does not convert the value; its validator is loaded on first use.
 *
 * @throws ChaintapError `invalid_options` for an invalid JSON Schema.
 *
 * @example
 * const result = await validate(z.object({ city: z.string() }), { city: 7 })
 * result.issues // [{ path: ['city'], message: '… expected string …' }]
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

/** The number of issues that a message lists. */
const MAX_SHOWN_ISSUES = 10

/** Formats issues, one per line, for a person or a model to fix. */
export function formatIssues(issues: readonly Issue[]): string {
  const lines = issues
    .slice(0, MAX_SHOWN_ISSUES)
    .map(({ message, path }) => (path.length > 0 ? `${path.map(String).join('.')}: ${message}` : message))
  return [...lines, ...(issues.length > MAX_SHOWN_ISSUES ? [`… and ${issues.length - MAX_SHOWN_ISSUES} more`] : [])]
    .map((line) => `- ${line}`)
    .join('\n')
}
