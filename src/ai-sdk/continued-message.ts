/**
 * Returns the id of the message that a response continues: the last one if it is the assistant's, because the page has added tool results.
 */
export function continuedMessageId(messages: unknown): string | undefined {
  const { role, id } = Object(Array.isArray(messages) ? messages.at(-1) : undefined) as { role?: unknown; id?: unknown }
  return role === 'assistant' && typeof id === 'string' ? id : undefined
}
