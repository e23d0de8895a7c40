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

/** Stop reasons of responses that were cut at a limit of tokens: OpenAI's, Anthropic's and Bedrock's, Gemini's. */
const cutReasons: ReadonlySet<unknown> = new Set(['length', 'max_tokens', 'model_context_window_exceeded', 'MAX_TOKENS'])

/** Whether a response with this stop reason was cut at a limit of tokens, perhaps within a tool call. */
export const isCutReason = (reason: string | undefined): boolean => cutReasons.has(reason)
