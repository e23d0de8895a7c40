import type { Message } from '../core/message.ts'
import { type MessageLike, toMessage } from '../messages/coerce.ts'

interface PlaceholderFields<Name, Optional> {
  readonly variableName: Name
  readonly optional?: Optional
}

/**
 * A place in a chat prompt for a list of messages (LangChain's MessagesPlaceholder), which are put in as they are. Must be given
 * unless `optional`.
 *
 * @example
 * ChatPromptTemplate.fromMessages([['system', 'Be brief.'], new MessagesPlaceholder('history'), '{question}'])
 */
export class MessagesPlaceholder<const Name extends string = string, const Optional extends boolean = false> {
  readonly variableName: Name
  readonly optional: Optional

  /** LangChain's form, `new MessagesPlaceholder({ variableName, optional })`, will do too. */
  constructor(variable: Name | PlaceholderFields<Name, Optional>, options: { readonly optional?: Optional } = {}) {
    const { variableName, optional = false as Optional } = typeof variable === 'string' ? { ...options, variableName: variable } : variable
    this.variableName = variableName
    this.optional = optional
  }
}

/** A message of a chat prompt that is no template. */
export interface Literal {
  readonly literal: Message
}

/**
 * A message that a chat prompt takes as it is: braces in it are text.
 *
 * @example
 * ChatPromptTemplate.fromMessages([literal(['system', 'Answer as { "joke": string }.']), 'A joke about {animal}.'])
 */
export function literal(message: MessageLike): Literal {
  return { literal: toMessage(message) }
}
