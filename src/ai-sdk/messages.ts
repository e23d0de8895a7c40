import { plainJson } from '../core/json/plain.ts'
import type { AssistantMessage, Message, Part, ToolCall, ToolMessage } from '../core/message.ts'
import { describeForError } from '../core/util/describe.ts'
import { invalidMessageError } from '../messages/invalid-message.ts'

/** A message of `useChat`, as far as it is read. */
export interface UIMessageLike {
  readonly id?: unknown
  readonly role: 'system' | 'user' | 'assistant'
  readonly parts: readonly UIPartLike[]
}

/** A part of it. */
export interface UIPartLike {
  readonly type: string
  readonly text?: unknown
  readonly url?: unknown
  readonly mediaType?: unknown
  readonly toolName?: unknown
  readonly toolCallId?: unknown
  readonly state?: unknown
  readonly input?: unknown
  readonly output?: unknown
  readonly errorText?: unknown
}

/**
 * A conversation of `useChat` as a chat model takes it: texts, images, and tool calls with their answers, step by step. What was never
 * answered, reasoning, sources and data are left out: no provider takes them back in this form.
 *
 * @throws ChaintapError `invalid_message` for another form, and for files that are no images.
 *
 * @example
 * fromUIMessages([{ role: 'user', parts: [{ type: 'text', text: 'Why is the sky blue?' }] }])
 * // [{ role: 'user', content: 'Why is the sky blue?' }]
 */
export function fromUIMessages(messages: readonly UIMessageLike[]): readonly Message[] {
  return messages.flatMap((message): readonly Message[] => {
    const { role, parts } = Object(message) as UIMessageLike
    if (!Array.isArray(parts)) throw invalidMessageError(`A message of useChat has parts, but this is ${describeForError(message)}.`)
    if (!parts.every(isUIPart)) throw invalidMessageError('Each part of a message of useChat has a type.')
    if (role === 'assistant') return splitSteps(parts).flatMap(fromUIStep)
    if (role !== 'user' && role !== 'system') throw invalidMessageError('The role of a message of useChat is user, assistant or system.')
    const content = fromUIContent(parts)
    return [role === 'system' ? { role, content: content.map(contentPartText).join('') } : { role, content: collapseTextParts(content) }]
  })
}

// A server reads what anybody sends.
const isUIPart = (part: unknown): boolean => typeof (Object(part) as UIPartLike).type === 'string'

/** The parts between the boundaries of steps. */
function splitSteps(parts: readonly UIPartLike[]): readonly (readonly UIPartLike[])[] {
  const steps: UIPartLike[][] = [[]]
  for (const part of parts) {
    if (part.type === 'step-start') steps.push([])
    else steps.at(-1)?.push(part)
  }
  return steps
}

/** What the model said in a step, and what its tools answered. */
function fromUIStep(parts: readonly UIPartLike[]): readonly Message[] {
  const content = collapseTextParts(fromUIContent(parts))
  const answered = parts.filter(({ type, state }) => isToolPartType(type) && (state === 'output-available' || state === 'output-error'))
  if (content.length === 0 && answered.length === 0) return []
  const toolCalls = answered.map(fromUIToolCall)
  const said: AssistantMessage = { role: 'assistant', content, ...(toolCalls.length > 0 && { toolCalls }) }
  return [said, ...answered.map(fromUIToolResult)]
}

const isToolPartType = (type: string): boolean => type === 'dynamic-tool' || type.startsWith('tool-')

const fromUIToolCall = ({ type, toolName, toolCallId, input }: UIPartLike): ToolCall => ({
  id: String(toolCallId),
  name: type === 'dynamic-tool' ? String(toolName) : type.slice('tool-'.length),
  args: input ?? {},
})

function fromUIToolResult({ toolCallId, state, output, errorText }: UIPartLike): ToolMessage {
  const isError = state === 'output-error'
  const given = isError ? errorText : output
  const content = typeof given === 'string' ? given : plainJson(given)
  return { role: 'tool', content, toolCallId: String(toolCallId), ...(isError && { isError }) }
}

/** Texts and images. */
function fromUIContent(parts: readonly UIPartLike[]): readonly Part[] {
  return parts.flatMap(({ type, text, url, mediaType }): readonly Part[] => {
    if (type === 'text' && typeof text === 'string') return text === '' ? [] : [{ type, text }]
    if (type !== 'file') return []
    if (!String(mediaType).startsWith('image') || typeof url !== 'string')
      throw invalidMessageError('Of files only images are taken, by their url.')
    return [{ type: 'image', url }]
  })
}

const contentPartText = (part: Part): string => (part.type === 'text' ? part.text : '')

/** A string where there is text alone. */
const collapseTextParts = (parts: readonly Part[]): string | readonly Part[] =>
  parts.every(({ type }) => type === 'text') ? parts.map(contentPartText).join('') : parts
