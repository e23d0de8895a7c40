import { ChaintapError } from '../core/errors.ts'
import { describeForError } from '../core/util/describe.ts'
import { errorMessage } from '../core/util/error-message.ts'
import { omitUndefined } from '../core/util/omit-undefined.ts'
import { parseModelJson } from '../core/util/parse-json.ts'
import type { Issue } from '../schema/issue.ts'
import type { AnySchema, JsonSchema } from '../schema/json-schema.ts'
import type { StandardSchema } from '../schema/standard.ts'
import type { ToolSpec } from '../schema/tool-spec.ts'
import { formatIssues, validate } from '../schema/validate.ts'

/** The schema of a tool without a schema: a string. Models pass objects, so `{ input }` is accepted too. No arguments are `''`. */
export const textArgumentSchema: StandardSchema<string> = {
  '~standard': {
    version: 1,
    vendor: 'chaintap',
    validate(args) {
      const value = textArgument(args)
      return typeof value === 'string' ? { value } : { issues: [{ message: `Expected a string, but received ${describeForError(args)}.` }] }
    },
    jsonSchema: { input: () => ({ type: 'string' }) },
  },
}

function textArgument(args: unknown): unknown {
  if (typeof args === 'string' || Array.isArray(args)) return args
  const fields = Object(args) as { readonly input?: unknown }
  return 'input' in fields || (typeof (args ?? fields) === 'object' && Object.keys(fields).length === 0) ? (fields.input ?? '') : args
}

/**
 * The JSON Schema of a tool's arguments as providers accept it: an object. Any other schema becomes that of the object's only property,
 * `input`.
 */
export function toParametersSchema(schema: JsonSchema): JsonSchema {
  const { $defs, definitions, ...input } = schema
  const { type } = schema
  const isObject =
    type === undefined ? 'properties' in input || !valueKeywords.some((keyword) => keyword in input) : [type].flat().includes('object')
  if (isObject) return { ...schema, type: 'object' }
  // Definitions stay at the root, where references point to.
  return omitUndefined({ type: 'object', properties: { input }, required: ['input'], $defs, definitions })
}

/** Keywords by which a schema without a type may describe other values than objects. */
const valueKeywords: readonly string[] = ['anyOf', 'oneOf', 'allOf', 'enum', 'const', '$ref', 'items']

/**
 * Validates the arguments of a tool and returns them as its function takes them.
 *
 * @param isInvalid Whether `args` is the text of a call whose arguments are not valid JSON.
 * @throws ChaintapError `invalid_arguments`, with the issues as its `cause`.
 */
export async function validateArguments(spec: ToolSpec, schema: AnySchema, args: unknown, isInvalid = false): Promise<unknown> {
  if (isInvalid) throw invalidArgumentsError(spec, [notJsonIssue(String(args))])
  const direct = await validate(schema, args)
  if (!direct.issues) return direct.value
  for (const reading of otherReadings(args, spec)) {
    const result = await validate(schema, reading)
    if (!result.issues) return result.value
  }
  const isObjectText = typeof args === 'string' && args.trimStart().startsWith('{') && parseModelJson(args) === undefined
  throw invalidArgumentsError(spec, isObjectText ? [notJsonIssue(args)] : direct.issues)
}

/** What arguments may mean that the schema rejects as they are: some models write `None`, or text where an object is expected. */
function* otherReadings(args: unknown, spec: ToolSpec): Generator<unknown> {
  if (args === undefined || args === null) yield {}
  if (typeof args === 'object' && args !== null && 'input' in args && Object.keys(args).length === 1) yield args.input
  if (typeof args !== 'string') return
  const text = args.trim()
  yield parseModelJson(text) ?? (/^(?:none|null)?$/i.test(text) ? {} : undefined)
  const [field, ...others] = Object.keys(spec.jsonSchema.properties ?? {})
  // Text that begins like an object is a broken one, and blank text is no value.
  if (field !== undefined && others.length === 0 && text !== '' && !text.startsWith('{')) yield { [field]: args }
}

function notJsonIssue(text: string): Issue {
  try {
    JSON.parse(text)
  } catch (error) {
    return { message: `The arguments are not valid JSON: ${errorMessage(error)}. Pass them complete, as one JSON object.`, path: [] }
  }
  return { message: 'The arguments are incomplete.', path: [] }
}

const invalidArgumentsError = ({ name }: ToolSpec, issues: readonly Issue[]): ChaintapError =>
  new ChaintapError('invalid_arguments', `Invalid arguments for tool ${name}. Fix:\n${formatIssues(issues)}`, { cause: issues })
