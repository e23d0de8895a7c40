import { AbortReason } from '../core/errors.ts'
import { messagesAsText } from '../core/handler/methods.ts'
import { stringify } from '../core/json/stringify.ts'
import { isContent, type Message, textOf } from '../core/message.ts'
import { causeChain } from '../core/util/cause-chain.ts'
import { isRecord } from '../core/util/is-record.ts'

/** Formats a value for people: strings and messages as text, anything else as JSON. */
export function formatValue(value: unknown): string {
  if (value === undefined) return ''
  if (typeof value === 'string') return value
  if (Array.isArray(value) && value.length > 0 && value.every(isPrintableMessage)) return messagesAsText(value)
  if (!isPrintableMessage(value)) return stringify(value, { limit: 4_096 })
  const calls = 'toolCalls' in value && value.toolCalls?.length ? stringify(value.toolCalls, { limit: 4_096 }) : ''
  return textOf(value) + calls
}

const isPrintableMessage = (value: unknown): value is Message =>
  isRecord(value) && typeof value.role === 'string' && isContent(value.content)

/** Formats an error and its causes, one text each. */
export const errorTexts = (error: unknown): readonly string[] => causeChain(error).map(errorText)

/** Formats an error in one line, e.g. `ModelError: Overloaded (http 529)`. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return formatValue(error)
  const { code, status } = error as { code?: unknown; status?: unknown }
  // The numeric code of a DOMException repeats its name.
  const facts = [typeof code === 'string' ? code : '', typeof status === 'number' ? `${status}` : ''].filter((fact) => fact !== '')
  return `${error.name}: ${error.message}${facts.length === 0 ? '' : ` (${facts.join(' ')})`}`
}

/** Whether an error means that the run was stopped from outside. */
export const isStopError = (error: unknown): boolean =>
  error instanceof AbortReason || (error instanceof Error && error.name === 'AbortError')

const MAX_TOKEN_LINE_LENGTH = 500

/** Collects the tokens of a run into whole lines, of at most about 500 characters. */
export class TokenLineBuffer {
  /** The text after the last line returned. */
  rest = ''
  /** Whether no token was added yet. */
  isEmpty = true

  /** Adds a token. Returns the lines that it completes, if any. */
  add(token: string): string | undefined {
    this.isEmpty = false
    this.rest += token
    const end = this.rest.length > MAX_TOKEN_LINE_LENGTH ? this.rest.length : this.rest.lastIndexOf('\n')
    if (end === -1) return
    const lines = this.rest.slice(0, end)
    this.rest = this.rest.slice(end + 1)
    return lines
  }
}
