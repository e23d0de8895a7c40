/** The id of the message that an answer goes on with: the model's own, where the page has answered its tools. */
export function continuedMessageId(messages: unknown): string | undefined {
  const { role, id } = Object(Array.isArray(messages) ? messages.at(-1) : undefined) as { role?: unknown; id?: unknown }
  return role === 'assistant' && typeof id === 'string' ? id : undefined
}
