import type { JsonSchema } from './json-schema.ts'

/**
 * What a model is told of a tool. What `tool()` makes has this form, and so may any other object: models look at nothing else.
 *
 * @example
 * const spec: ToolSpec = { name: 'weather', description: 'The weather in a city.', jsonSchema: { type: 'object', properties: { city: { type: 'string' } } } }
 */
export interface ToolSpec {
  readonly name: string
  readonly description: string
  /** Of the arguments, an object. */
  readonly jsonSchema: JsonSchema
}

/** Whether a tool is described so, and not in some provider's own words. */
export const isToolSpec = (tool: object): tool is ToolSpec => 'jsonSchema' in tool
