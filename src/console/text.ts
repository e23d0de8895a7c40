import { AbortReason } from '../core/errors.ts'
import { messagesAsText } from '../core/handler/methods.ts'
import { stringify } from '../core/json/stringify.ts'
import { type Message, textOf } from '../core/message.ts'
import { causeChain } from '../core/util/cause-chain.ts'

/** A value for people: texts and messages as text, anything else as JSON. */
export function formatValue(value: unknown): string {
  if (value === undefined) return ''
  if (typeof value === 'string') return value
  if (Array.isArray(value) && value.length > 0 && value.every(isPrintableMessage)) return messagesAsText(value)
  if (!isPrintableMessage(value)) return stringify(value, { limit: 4_096 })
  const calls = 'toolCalls' in value && value.toolCalls?.length ? stringify(value.toolCalls, { limit: 4_096 }) : ''
  return textOf(value) + calls
}

const isPrintableMessage = (value: unknown): value is Message =>
  typeof value === 'object' &&
  value !== null &&
  'role' in value &&
  'content' in value &&
  (typeof value.content === 'string' || Array.isArray(value.content))

/** An error and its causes, a text each. */
export const errorTexts = (error: unknown): readonly string[] => causeChain(error).map(errorText)

/** An error in a line: `ModelError: Overloaded (http 529)`. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return formatValue(error)
  const { code, status } = error as { code?: unknown; status?: unknown }
  // A DOMException's code is a number that says what its name says.
  const facts = [typeof code === 'string' ? code : '', typeof status === 'number' ? `${status}` : ''].filter((fact) => fact !== '')
  return `${error.name}: ${error.message}${facts.length === 0 ? '' : ` (${facts.join(' ')})`}`
}

/** Whether a run was stopped from outside, which is nobody's fault. */
export const isStopError = (error: unknown): boolean =>
  error instanceof AbortReason || (error instanceof Error && error.name === 'AbortError')

const MAX_TOKEN_LINE_LENGTH = 500

/** What a run says, token by token: gives whole lines, and whatever is longer than a line should be. */
export class TokenLineBuffer {
  /** What has not been given yet. */
  rest = ''
  isEmpty = true

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
