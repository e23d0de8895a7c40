import type { Message } from '../core/message.ts'
import { idFactory } from '../core/util/id.ts'

/**
 * Returns a function that gives each tool call of a response an id that is unique in the conversation: the provider's, or one that is made
 * if the provider sends none or one that an earlier call has. Results and UIs find a call by its id.
 */
export function uniqueCallIds(messages: readonly Message[]): (id: unknown) => string {
  let known: Set<unknown> | undefined
  let createId: (() => string) | undefined
  return (id) => {
    known ??= new Set(messages.flatMap((message) => ('toolCalls' in message && message.toolCalls?.map((call) => call.id)) || []))
    let unique = typeof id === 'number' ? String(id) : id
    if (typeof unique !== 'string' || unique === '' || known.has(unique)) {
      createId ??= idFactory()
      // OpenAI accepts 40 characters, Anthropic letters, digits, _ and -.
      unique = `call_${createId().replaceAll('-', '')}`
    }
    known.add(unique)
    return unique as string
  }
}
