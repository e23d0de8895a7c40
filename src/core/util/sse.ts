import { createParser, type EventSourceMessage } from 'eventsource-parser'

/** Reads the server-sent events of one body (HTML standard §9.2.6). */
export interface SseReader {
  /** Calls `onEvent` for every event that these bytes complete. */
  read(bytes: Uint8Array): void
  /** Ends the body. Adds the blank line that the last event may lack, so that it is complete too. */
  end(): void
}

/** Options of {@link createSseReader}. */
export interface SseReaderOptions {
  /** The maximum length of an event that arrives in several chunks, in characters. */
  readonly maxEventChars: number
  /** Called with each event. */
  onEvent(event: EventSourceMessage): void
  /** Creates the error that `read` throws when an event is longer than `maxEventChars`. */
  tooLarge(): Error
}

const moreBytesFollow = { stream: true }

/** Creates a reader of server-sent events: decodes UTF-8 across chunks and parses with eventsource-parser. */
export function createSseReader({ maxEventChars, onEvent, tooLarge }: SseReaderOptions): SseReader {
  // The parser removes the one byte order mark that the standard allows; the decoder would remove a second one.
  const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
  const parser = createParser({
    maxBufferSize: maxEventChars,
    onEvent,
    onError({ type }) {
      if (type === 'max-buffer-size-exceeded') throw tooLarge()
    },
  })
  return {
    read: (bytes) => parser.feed(decoder.decode(bytes, moreBytesFollow)),
    end: () => parser.feed(`${decoder.decode()}\n\n`),
  }
}
