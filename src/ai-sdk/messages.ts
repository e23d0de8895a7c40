import { plainJson } from '../core/json/plain.ts'
import type { AssistantMessage, Message, Part, ToolCall, ToolMessage } from '../core/message.ts'
import { describeForError } from '../core/util/describe.ts'
import { isRecord } from '../core/util/is-record.ts'
import { invalidMessageError } from '../messages/invalid-message.ts'

/** A message of `useChat`: the fields that are read. */
export interface UIMessageLike {
  /** The id of the message. */
  readonly id?: unknown
  /** Who wrote it. */
  readonly role: 'system' | 'user' | 'assistant'
  /** Its content. */
  readonly parts: readonly UIPartLike[]
}

/** A part of a message of `useChat`: the fields that are read. */
export interface UIPartLike {
  /** `text`, `file`, `step-start`, `dynamic-tool`, `tool-<name>`; other types are ignored. */
  readonly type: string
  /** The text of a `text` part. */
  readonly text?: unknown
  /** The URL of a `file` part. */
  readonly url?: unknown
  /** The media type of a `file` part. */
  readonly mediaType?: unknown
  /** The tool of a `dynamic-tool` part. */
  readonly toolName?: unknown
  /** The id of a tool call. */
  readonly toolCallId?: unknown
  /** The state of a tool call. It is answered in the states `output-available` and `output-error`. */
  readonly state?: unknown
  /** The arguments of a tool call. */
  readonly input?: unknown
  /** The text of arguments that are not valid JSON. */
  readonly rawInput?: unknown
  /** What the provider sent with a tool call and expects back. */
  readonly callProviderMetadata?: unknown
  /** The output of a tool. */
  readonly output?: unknown
  /** The error message of a tool. */
  readonly errorText?: unknown
}

/**
 * Converts the messages of `useChat` to chat messages: text, images, and tool calls with their results, step by step. Omits unanswered tool
 * calls, reasoning, sources and data, because no provider accepts them in this form.
 *
 * @throws ChaintapError `invalid_message` for an invalid message, and for files other than images
 * @example
 * fromUIMessages([{ role: 'user', parts: [{ type: 'text', text: 'Why is the sky blue?' }] }])
 * // [{ role: 'user', content: 'Why is the sky blue?' }]
 */
export function fromUIMessages(messages: readonly UIMessageLike[]): readonly Message[] {
  return messages.flatMap((message): readonly Message[] => {
    const { role, parts } = Object(message) as UIMessageLike
    if (!Array.isArray(parts)) throw invalidMessageError(`A message of useChat must have parts; received ${describeForError(message)}.`)
    if (!parts.every(isUIPart)) throw invalidMessageError('Each part of a useChat message must have a type.')
    if (role === 'assistant') return splitSteps(parts).flatMap(fromUIStep)
    if (role !== 'user' && role !== 'system') throw invalidMessageError('The role of a useChat message must be user, assistant or system.')
    const content = fromUIContent(parts)
    return [role === 'system' ? { role, content: content.map(contentPartText).join('') } : { role, content: collapseTextParts(content) }]
  })
}

// A server receives untrusted messages.
const isUIPart = (part: unknown): boolean => typeof (Object(part) as UIPartLike).type === 'string'

/** Splits parts at `step-start`. */
function splitSteps(parts: readonly UIPartLike[]): readonly (readonly UIPartLike[])[] {
  const steps: UIPartLike[][] = [[]]
  for (const part of parts) {
    if (part.type === 'step-start') steps.push([])
    else steps.at(-1)?.push(part)
  }
  return steps
}

/** Converts a step to the model's message and the messages of its tools. */
function fromUIStep(parts: readonly UIPartLike[]): readonly Message[] {
  const content = collapseTextParts(fromUIContent(parts))
  const answered = parts.filter(({ type, state }) => isToolPartType(type) && (state === 'output-available' || state === 'output-error'))
  if (content.length === 0 && answered.length === 0) return []
  const toolCalls = answered.map(fromUIToolCall)
  const message: AssistantMessage = { role: 'assistant', content, ...(toolCalls.length > 0 && { toolCalls }) }
  return [message, ...answered.map(fromUIToolResult)]
}

const isToolPartType = (type: string): boolean => type === 'dynamic-tool' || type.startsWith('tool-')

function fromUIToolCall({ type, toolName, toolCallId, input, rawInput, callProviderMetadata }: UIPartLike): ToolCall {
  const { chaintap: extra } = Object(callProviderMetadata) as { readonly chaintap?: unknown }
  return {
    id: String(toolCallId),
    name: type === 'dynamic-tool' ? String(toolName) : type.slice('tool-'.length),
    args: input ?? rawInput ?? {},
    ...(isRecord(extra) && { extra }),
  }
}

function fromUIToolResult({ toolCallId, state, output, errorText }: UIPartLike): ToolMessage {
  const isError = state === 'output-error'
  const result = isError ? errorText : output
  const content = typeof result === 'string' ? result : plainJson(result)
  return { role: 'tool', content, toolCallId: String(toolCallId), ...(isError && { isError }) }
}

/** Converts text and images; ignores other parts. */
function fromUIContent(parts: readonly UIPartLike[]): readonly Part[] {
  return parts.flatMap(({ type, text, url, mediaType }): readonly Part[] => {
    if (type === 'text' && typeof text === 'string') return text === '' ? [] : [{ type, text }]
    if (type !== 'file') return []
    if (!String(mediaType).startsWith('image') || typeof url !== 'string') throw invalidMessageError('A file must be an image with a URL.')
    return [{ type: 'image', url }]
  })
}

const contentPartText = (part: Part): string => (part.type === 'text' ? part.text : '')

/** Returns a string if all parts are text. */
const collapseTextParts = (parts: readonly Part[]): string | readonly Part[] =>
  parts.every(({ type }) => type === 'text') ? parts.map(contentPartText).join('') : parts
