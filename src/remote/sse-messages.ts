import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { RemoteError } from './errors.ts'

/** What came in one piece of a body. */
export type SseMessages = readonly EventSourceMessage[]

/** 17 million characters: more than the codec writes of one value. */
const MAX_EVENT_CHARACTERS = 17_000_000

const streamingDecode = { stream: true }

/** Reads the bytes of one connection: the server-sent events that are whole with each piece (HTML standard §9.2.6). */
export function createSseParser(where: string): (bytes: Uint8Array) => SseMessages {
  const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
  let frames: EventSourceMessage[] = []
  const parser = createParser({
    maxBufferSize: MAX_EVENT_CHARACTERS,
    onEvent: (frame) => void frames.push(frame),
    onError({ type }) {
      if (type === 'max-buffer-size-exceeded')
        throw new RemoteError('event_too_large', `${where} sent an event longer than ${MAX_EVENT_CHARACTERS} characters.`)
    },
  })
  return (bytes) => {
    frames = []
    parser.feed(decoder.decode(bytes, streamingDecode))
    return frames
  }
}
