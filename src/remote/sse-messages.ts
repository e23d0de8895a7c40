import type { EventSourceMessage } from 'eventsource-parser'
import { createSseReader } from '../core/util/sse.ts'
import { RemoteError } from './errors.ts'

/** What came in one piece of a body. */
export type SseMessages = readonly EventSourceMessage[]

/** 17 million characters: more than the codec writes of one value. */
const MAX_EVENT_CHARACTERS = 17_000_000

/** Reads the bytes of one connection: the server-sent events that are whole with each piece (HTML standard §9.2.6). */
export function createSseParser(where: string): (bytes: Uint8Array) => SseMessages {
  let frames: EventSourceMessage[] = []
  const reader = createSseReader({
    maxEventChars: MAX_EVENT_CHARACTERS,
    onEvent: (frame) => void frames.push(frame),
    tooLarge: () => new RemoteError('event_too_large', `${where} sent an event longer than ${MAX_EVENT_CHARACTERS} characters.`),
  })
  return (bytes) => {
    frames = []
    reader.read(bytes)
    return frames
  }
}
