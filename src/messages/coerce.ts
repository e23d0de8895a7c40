import type { AssistantMessage, Message, Part, Role, SystemMessage, UserMessage } from '../core/message.ts'
import { describeForError } from '../core/util/describe.ts'
import { invalidMessageError } from './invalid-message.ts'

/** The roles that a text alone can have, LangChain's words among them; `developer` is OpenAI's word for `system`. */
export type RoleName = 'system' | 'developer' | 'user' | 'human' | 'assistant' | 'ai'

/** A message as an object, its role in any of the words for it. */
export type MessageObject =
  | Message
  | (Omit<SystemMessage, 'role'> & { readonly role: 'developer' })
  | (Omit<UserMessage, 'role'> & { readonly role: 'human' })
  | (Omit<AssistantMessage, 'role'> & { readonly role: 'ai' })

/** One turn of a conversation as people write it: a string is the user's. */
export type MessageLike = string | readonly [role: RoleName, content: string | readonly Part[]] | MessageObject

/** What a chat model takes: a question, a message, or a conversation. */
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
 * What a chat model takes, as messages. The input is not changed; messages that are whole already are passed on as they are.
 *
 * @throws ChaintapError `invalid_message` for an unknown role or form.
 *
 * @example
 * toMessages([['system', 'Be brief.'], 'Why is the sky blue?'])
 * // [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Why is the sky blue?' }]
 */
export function toMessages(input: ChatInput): readonly Message[] {
  if (!isMessageList(input)) return [toMessage(input)]
  const [first, second] = input
  // Read as two turns of the user, a lone pair would put the role into the conversation; read as one turn, what a user says could take a role.
  if (input.length === 2 && typeof first === 'string' && typeof second === 'string' && roleByName.has(first)) {
    throw invalidMessageError(
      `["${first}", "…"] may be one message or two. Write [["${first}", "…"]] for one, or { role, content } for each.`,
    )
  }
  return input.map(toMessage)
}

/** One message of any form as a message. */
export function toMessage(like: MessageLike): Message {
  if (typeof like === 'string') return { role: 'user', content: like }
  const message: Readonly<Record<string, unknown>> = Object(
    isMessageList(like) && like.length === 2 ? { role: like[0], content: like[1] } : like,
  )
  const { role, content, toolCallId } = message
  if (typeof content !== 'string' && !Array.isArray(content)) {
    throw invalidMessageError(`A message is a string, [role, text] or { role, content }, but got ${describeForError(like)}.`)
  }
  const known = roleByName.get(role)
  if (!known) {
    const came = typeof role === 'string' ? JSON.stringify(role) : describeForError(role)
    throw invalidMessageError(`Unknown role ${came}. Write one of ${[...roleByName.keys()].join(', ')}.`)
  }
  if (known === 'tool' && typeof toolCallId !== 'string') {
    throw invalidMessageError('A tool message says which call it answers: { role: "tool", content, toolCallId }.')
  }
  return (known === role ? message : { ...message, role: known }) as unknown as Message
}

// Array.isArray does not narrow readonly arrays.
const isMessageList = (value: unknown): value is readonly MessageLike[] => Array.isArray(value)
