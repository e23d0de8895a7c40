import type { Message } from '../core/message.ts'
import { type MessageLike, toMessage } from '../messages/coerce.ts'

/** The fields of a {@link MessagesPlaceholder}, as LangChain's constructor takes them. */
export interface PlaceholderFields<Name, Optional> {
  /** The variable that holds the messages. */
  readonly variableName: Name
  /**
   * Whether the variable may be missing.
   *
   * @defaultValue false
   */
  readonly optional?: Optional
}

/**
 * A slot in a chat prompt for a list of messages (LangChain's MessagesPlaceholder). The messages are inserted unchanged: braces in them
 * are text. The input must contain the list unless `optional` is true.
 *
 * @example
 * ChatPromptTemplate.fromMessages([['system', 'Be brief.'], new MessagesPlaceholder('history'), '{question}'])
 */
export class MessagesPlaceholder<const Name extends string = string, const Optional extends boolean = false> {
  /** The variable that holds the messages. */
  readonly variableName: Name
  /** Whether the input may omit the variable. */
  readonly optional: Optional

  /**
   * @param variable The variable's name, or LangChain's form: `{ variableName, optional }`.
   */
  constructor(variable: Name | PlaceholderFields<Name, Optional>, options: { readonly optional?: Optional } = {}) {
    const { variableName, optional = false as Optional } = typeof variable === 'string' ? { ...options, variableName: variable } : variable
    this.variableName = variableName
    this.optional = optional
  }
}

/** A message in a chat prompt that is not a template. Made by {@link literal}. */
export interface Literal {
  /** The message, inserted unchanged. */
  readonly literal: Message
}

/**
 * Marks a message in a chat prompt as plain text: braces in it are not variables.
 *
 * @throws ChaintapError `invalid_message` if the message has no valid role or form.
 *
 * @example
 * ChatPromptTemplate.fromMessages([literal(['system', 'Answer as { "joke": string }.']), 'A joke about {animal}.'])
 */
export function literal(message: MessageLike): Literal {
  return { literal: toMessage(message) }
}
