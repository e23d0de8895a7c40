import {
  type AssistantMessage,
  isContent,
  type Message,
  type Part,
  type Role,
  type SystemMessage,
  type UserMessage,
} from '../core/message.ts'
import { describeForError } from '../core/util/describe.ts'
import { invalidMessageError } from './invalid-message.ts'

/** The roles of a message that is written as text. `human` and `ai` are LangChain's names; `developer` is OpenAI's name for `system`. */
export type RoleName = 'system' | 'developer' | 'user' | 'human' | 'assistant' | 'ai'

/** A message object whose role may be any {@link RoleName}. */
export type MessageObject =
  | Message
  | (Omit<SystemMessage, 'role'> & {
      /** OpenAI's name for `system`. */
      readonly role: 'developer'
    })
  | (Omit<UserMessage, 'role'> & {
      /** LangChain's name for `user`. */
      readonly role: 'human'
    })
  | (Omit<AssistantMessage, 'role'> & {
      /** LangChain's name for `assistant`. */
      readonly role: 'ai'
    })

/** A message in any accepted form. A string is a user message. */
export type MessageLike = string | readonly [role: RoleName, content: string | readonly Part[]] | MessageObject

/** The input of a chat model: a string (one user message), a message, or a list of messages. */
export type ChatInput = string | MessageObject | readonly MessageLike[]

const roleByName: ReadonlyMap<unknown, Role> = new Map<RoleName | 'tool', Role>([
  ['system', 'system'],
  ['developer', 'system'],
  ['user', 'user'],
  ['human', 'user'],
  ['assistant', 'assistant'],
  ['ai', 'assistant'],
  ['tool', 'tool'],
])

/**
 * Converts the input of a chat model to messages. The input is not modified; objects that are already messages are returned, not copied.
 *
 * @throws ChaintapError `invalid_message` for an unknown role, form or part, and for `['role', 'text']`, which may be one message or two.
 *
 * @example
 * toMessages([['system', 'Be brief.'], 'Why is the sky blue?'])
 * // [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Why is the sky blue?' }]
 */
export function toMessages(input: ChatInput): readonly Message[] {
  if (!isMessageList(input)) return [toMessage(input)]
  const [first, second] = input
  // As two user messages, the role would become part of the conversation. As one message, the first text of a user could choose a role.
  if (input.length === 2 && typeof first === 'string' && typeof second === 'string' && roleByName.has(first)) {
    throw invalidMessageError(
      `["${first}", "…"] is ambiguous: one message or two. Pass [["${first}", "…"]] for one, or { role, content } for each.`,
    )
  }
  return input.map(toMessage)
}

/** Converts one message of any accepted form. */
export function toMessage(like: MessageLike): Message {
  if (typeof like === 'string') return { role: 'user', content: like }
  const message: Readonly<Record<string, unknown>> = Object(
    isMessageList(like) && like.length === 2 ? { role: like[0], content: like[1] } : like,
  )
  const { role, content, toolCallId } = message
  if (!isContent(content)) {
    throw invalidMessageError(
      `Expected a message (a string, [role, text] or { role, content }), but received ${describeForError(like)}. Content is a text or an array of parts.`,
    )
  }
  const known = roleByName.get(role)
  if (!known) {
    const received = typeof role === 'string' ? JSON.stringify(role) : describeForError(role)
    throw invalidMessageError(`Unknown role ${received}. Use one of ${[...roleByName.keys()].join(', ')}.`)
  }
  if (known === 'tool' && typeof toolCallId !== 'string') {
    throw invalidMessageError('A tool message requires the id of its call: { role: "tool", content, toolCallId }.')
  }
  if (typeof content !== 'string') content.forEach(checkPart)
  return (known === role ? message : { ...message, role: known }) as unknown as Message
}

/** Providers would drop or refuse a part of another form. */
function checkPart(part: unknown): void {
  const { type, text, url, data, mediaType, provider, block } = Object(part) as Readonly<Record<string, unknown>>
  const isString = (...values: readonly unknown[]): boolean => values.every((value) => typeof value === 'string')
  if ((type === 'text' || type === 'reasoning') && isString(text)) return
  if (type === 'image' && (url === undefined ? isString(data, mediaType) : isString(url))) return
  if (type === 'block' && isString(provider) && Object(block) === block) return
  throw invalidMessageError(
    `${describeForError(part)} (type: ${String(type)}) is no part of a message. Pass { type: 'text', text }, { type: 'image', url }, ` +
      "{ type: 'image', data, mediaType } or, in a provider's own format, { type: 'block', provider, block }.",
  )
}

// Array.isArray does not narrow readonly arrays.
const isMessageList = (value: unknown): value is readonly MessageLike[] => Array.isArray(value)
