import type { Part, ToolCall } from '../../core/message.ts'
import { describeForError } from '../../core/util/describe.ts'
import type { JsonObject } from '../../core/util/parse-json.ts'
import { parseArguments } from '../../messages/arguments.ts'
import { invalidMessageError } from '../../messages/invalid-message.ts'

/** Converts a message's content: a string, `null`, or parts, which OpenAI and AG-UI write differently. */
export function fromContent(content: unknown, fromPart: (part: unknown) => Part): string | readonly Part[] {
  if (typeof content === 'string') return content
  if (content === null || content === undefined) return ''
  if (!Array.isArray(content))
    throw invalidMessageError(`The content of a message must be a string or an array of parts; received ${describeForError(content)}.`)
  return content.map(fromPart)
}

/**
 * Converts a tool call `{ id, function: { name, arguments } }`, which OpenAI and AG-UI write alike. Arguments that do not parse stay text, marked as invalid.
 */
export function fromToolCall(call: unknown): ToolCall {
  const { id, function: called } = Object(call) as JsonObject
  const { name, arguments: args } = Object(called) as JsonObject
  return { id: String(id), name: String(name), ...(typeof args === 'string' ? parseArguments(args) : { args: args ?? {} }) }
}
