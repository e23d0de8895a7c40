import type { JsonSchema } from './json-schema.ts'

/**
 * A tool as models see it. Tools made by `tool()` have these fields; so may any other object, because models read nothing else.
 *
 * @example
 * const spec: ToolSpec = { name: 'weather', description: 'The weather in a city.', jsonSchema: { type: 'object', properties: { city: { type: 'string' } } } }
 */
export interface ToolSpec {
  /** The name that the model calls: letters, digits, `_` and `-`. */
  readonly name: string
  /** What the tool does and when to use it. */
  readonly description: string
  /** The JSON Schema of the arguments, an object. */
  readonly jsonSchema: JsonSchema
}

/** Whether a tool is a {@link ToolSpec} rather than a provider's own format. */
export const isToolSpec = (tool: object): tool is ToolSpec => 'jsonSchema' in tool
