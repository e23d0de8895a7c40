import type { Message, ToolMessage, UserMessage } from '../core/message.ts'

/**
 * Puts each result of a tool directly after the message with its call: providers refuse a conversation with anything in between, with a
 * call without a result, and with a result without a call.
 *
 * - A call without a result, e.g. of a run that was stopped, gets a result that says so.
 * - A result without a call, e.g. of a conversation that was cut, becomes a user message with the same content.
 *
 * If an id occurs again in a conversation, a result belongs to the last call before it.
 */
export function pairToolResults(messages: readonly Message[]): readonly Message[] {
  const turns: Message[][] = []
  /** For each id the turns with a call that has no result yet. */
  const pending = new Map<string, Message[][]>()
  for (const message of messages) {
    const turnOfCall = message.role === 'tool' && pending.get(message.toolCallId)?.pop()
    if (turnOfCall) turnOfCall.push(message)
    else {
      const turn = [message.role === 'tool' ? strayResult(message) : message]
      turns.push(turn)
      const calls = (message.role === 'assistant' && message.toolCalls) || []
      for (const { id } of calls) {
        const unanswered = pending.get(id)
        if (unanswered) unanswered.push(turn)
        else pending.set(id, [turn])
      }
    }
  }
  for (const [id, unanswered] of pending)
    for (const turn of unanswered) turn.push({ role: 'tool', content: NO_RESULT, toolCallId: id, isError: true })
  return turns.flat()
}

const NO_RESULT = 'The call has no result: it was interrupted before it completed.'

function strayResult({ content, toolCallId }: ToolMessage): UserMessage {
  const text = `The result of tool call ${toolCallId}, which is not in this conversation:`
  return { role: 'user', content: typeof content === 'string' ? `${text}\n${content}` : [{ type: 'text', text: `${text}\n` }, ...content] }
}
