import type { ToolCall } from '../core/message.ts'
import { parseModelJson } from '../core/util/parse-json.ts'

/** Parses the arguments of a tool call. No text, blank text and `null` are `{}`. */
export function parseArguments(text: string): Pick<ToolCall, 'args' | 'isInvalid'> {
  const args = text.trim() === '' ? {} : parseModelJson(text)
  return args === undefined ? { args: text, isInvalid: true } : { args: args ?? {} }
}

/** Returns the arguments as an object, which is what most servers accept in a request. Another value, or invalid text, becomes `{ input }`. */
export const argumentsObject = (args: unknown): object =>
  typeof args === 'object' && !Array.isArray(args) ? (args ?? {}) : args === undefined ? {} : { input: args }

/** Stop reasons of responses that were cut at a limit of tokens, or by a filter, a refusal or a guardrail. */
const cutReasons = /length|max_|exceeded|filter|refusal|safety|guardrail|sensitive/i

/** Whether a response with this stop reason was cut, perhaps within a tool call. */
export const isCutReason = (reason: unknown): boolean => typeof reason === 'string' && cutReasons.test(reason)
