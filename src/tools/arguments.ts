import { ChaintapError } from '../core/errors.ts'
import { describeForError } from '../core/util/describe.ts'
import { parseJson } from '../core/util/parse-json.ts'
import type { AnySchema, JsonSchema } from '../schema/json-schema.ts'
import type { StandardSchema } from '../schema/standard.ts'
import type { ToolSpec } from '../schema/tool-spec.ts'
import { formatIssues, validate } from '../schema/validate.ts'

/** The schema of a tool without a schema: a string. Models pass objects, so `{ input }` is accepted too. */
export const textArgumentSchema: StandardSchema<string> = {
  '~standard': {
    version: 1,
    vendor: 'chaintap',
    validate(args) {
      const value = typeof args === 'object' && args !== null && 'input' in args ? args.input : args
      return typeof value === 'string' ? { value } : { issues: [{ message: `Expected a string, but received ${describeForError(args)}.` }] }
    },
    jsonSchema: { input: () => ({ type: 'object', properties: { input: { type: 'string' } }, required: ['input'] }) },
  },
}

/**
 * Validates the arguments of a tool and returns them as its function takes them.
 *
 * @throws ChaintapError `invalid_arguments`, with the issues as its `cause`.
 */
export async function validateArguments(spec: ToolSpec, schema: AnySchema, args: unknown): Promise<unknown> {
  const direct = await validate(schema, args)
  if (!direct.issues) return direct.value
  const parsed = typeof args === 'string' ? parseTextArguments(args, spec.jsonSchema) : undefined
  const result = parsed ? await validate(schema, parsed) : direct
  if (!result.issues) return result.value
  throw new ChaintapError('invalid_arguments', `Invalid arguments for tool ${spec.name}. Fix:\n${formatIssues(result.issues)}`, {
    cause: result.issues,
  })
}

/** Converts text to the object that a tool expects: parsed as JSON, or as the value of its only property. */
function parseTextArguments(text: string, { properties = {} }: JsonSchema): object | undefined {
  const json = parseJson(text)
  if (typeof json === 'object' && json !== null) return json
  const [field, ...others] = Object.keys(properties)
  return field !== undefined && others.length === 0 ? { [field]: text } : undefined
}
