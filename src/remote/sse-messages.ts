import type { EventSourceMessage } from 'eventsource-parser'
import { createSseReader } from '../core/util/sse.ts'
import { RemoteError } from './errors.ts'

/** The server-sent events of one chunk of a body. */
export type SseMessages = readonly EventSourceMessage[]

/** Longest event accepted: 17 million characters, more than the codec writes of one value. */
const MAX_EVENT_CHARACTERS = 17_000_000

/** Creates a parser of the bytes of one connection. It returns the server-sent events that each chunk completes (HTML standard §9.2.6). */
export function createSseParser(address: string): (bytes: Uint8Array) => SseMessages {
  let messages: EventSourceMessage[] = []
  const read = createSseReader(
    MAX_EVENT_CHARACTERS,
    (message) => void messages.push(message),
    () => new RemoteError('event_too_large', `${address} sent an event longer than ${MAX_EVENT_CHARACTERS} characters.`),
  )
  return (bytes) => {
    messages = []
    read(bytes)
    return messages
  }
}
