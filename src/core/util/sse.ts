import { createParser, type EventSourceMessage } from 'eventsource-parser'

/** Options of `TextDecoder.decode` for a chunk that more bytes follow. */
export const moreBytesFollow = { stream: true } as const

/**
 * Creates a reader of the server-sent events of one body (HTML standard §9.2.6). It decodes UTF-8 across chunks and parses with
 * eventsource-parser.
 *
 * @param maxEventChars - most characters of one event that arrives in several chunks
 * @param onEvent - called for every event that a chunk completes
 * @param tooLarge - makes the error that the reader throws for a larger event
 * @param onUnknownLine - called for a line that is neither a field of an event nor a comment. The standard ignores it.
 * @returns a function that takes the chunks. Called without one, it ends the body: it adds the blank line that the last event may lack.
 */
export function createSseReader(
  maxEventChars: number,
  onEvent: (event: EventSourceMessage) => void,
  tooLarge: () => Error,
  onUnknownLine?: (line: string) => void,
): (bytes?: Uint8Array) => void {
  // The parser removes the one byte order mark that the standard allows; the decoder would remove a second one.
  const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
  const parser = createParser({
    maxBufferSize: maxEventChars,
    onEvent,
    onError({ type, line }) {
      if (type === 'max-buffer-size-exceeded') throw tooLarge()
      if (type === 'unknown-field' && line) onUnknownLine?.(line)
    },
  })
  return (bytes) => parser.feed(bytes ? decoder.decode(bytes, moreBytesFollow) : `${decoder.decode()}\n\n`)
}
