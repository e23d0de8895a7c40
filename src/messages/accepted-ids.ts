import type { Message } from '../core/message.ts'
import { fnv1aHash } from '../core/util/hash.ts'

/**
 * Replaces the ids of tool calls that a server refuses, e.g. because another provider made them, in calls and in results alike. The new
 * ids have 9 letters and digits, which every provider accepts.
 */
export function withAcceptedIds(messages: readonly Message[], accepted: RegExp): readonly Message[] {
  const acceptedId = (id: string): string => (accepted.test(id) ? id : (fnv1aHash(id) + fnv1aHash(id, 1)).slice(0, 9))
  return messages.map((message) => {
    if (message.role === 'tool') return { ...message, toolCallId: acceptedId(message.toolCallId) }
    if (message.role !== 'assistant' || !message.toolCalls) return message
    return { ...message, toolCalls: message.toolCalls.map((call) => ({ ...call, id: acceptedId(call.id) })) }
  })
}
