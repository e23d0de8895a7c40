import { ChaintapError } from '../core/errors.ts'
import { describeForError } from '../core/util/describe.ts'
import { parseJson } from '../core/util/parse-json.ts'
import type { AnySchema, JsonSchema } from '../schema/json-schema.ts'
import type { StandardSchema } from '../schema/standard.ts'
import type { ToolSpec } from '../schema/tool-spec.ts'
import { formatIssues, validate } from '../schema/validate.ts'

/** What a tool without a schema takes: a text. Models give objects, and so give it as `{ input }`. */
export const textArgumentSchema: StandardSchema<string> = {
  '~standard': {
    version: 1,
    vendor: 'chaintap',
    validate(given) {
      const value = typeof given === 'object' && given !== null && 'input' in given ? given.input : given
      return typeof value === 'string' ? { value } : { issues: [{ message: `Expected a text, but got ${describeForError(given)}.` }] }
    },
    jsonSchema: { input: () => ({ type: 'object', properties: { input: { type: 'string' } }, required: ['input'] }) },
  },
}

/** The arguments as the function takes them. */
export async function validateArguments(spec: ToolSpec, schema: AnySchema, given: unknown): Promise<unknown> {
  const asGiven = await validate(schema, given)
  if (!asGiven.issues) return asGiven.value
  const meant = typeof given === 'string' ? parseTextArguments(given, spec.jsonSchema) : undefined
  const checked = meant ? await validate(schema, meant) : asGiven
  if (!checked.issues) return checked.value
  throw new ChaintapError('invalid_arguments', `The arguments of ${spec.name} do not fit. Mend them:\n${formatIssues(checked.issues)}`, {
    cause: checked.issues,
  })
}

/** What a text means where an object is wanted: JSON, or its only field. */
function parseTextArguments(given: string, { properties = {} }: JsonSchema): object | undefined {
  const json = parseJson(given)
  if (typeof json === 'object' && json !== null) return json
  const [field, ...others] = Object.keys(properties)
  return field !== undefined && others.length === 0 ? { [field]: given } : undefined
}
