import { ChaintapError } from '../../core/errors.ts'
import type { Stage } from '../../core/flow/link.ts'
import { parseJson } from '../../core/util/parse-json.ts'
import { createSseReader, moreBytesFollow } from '../../core/util/sse.ts'

/** 8 million characters: room for an image in base64, while a body without line ends cannot fill the memory. */
const MAX_EVENT_CHARS = 8_000_000

/**
 * Turns bytes into the data of server-sent events (HTML standard §9.2.6). Events without data are dropped: decoders have no use for them.
 *
 * The standard drops a last event that lacks its blank line. This stage emits it if it is complete JSON or OpenAI's `[DONE]`, because some
 * servers end that way.
 *
 * @throws ChaintapError `event_too_large` for an event that is longer than `limit` characters and arrives in several chunks.
 */
export function sseDataStage({ limit = MAX_EVENT_CHARS }: { readonly limit?: number } = {}): Stage<Uint8Array, string> {
  let read: ReturnType<typeof createSseReader>
  let isOver = false
  return {
    start(controller) {
      read = createSseReader(
        limit,
        ({ data }) => {
          if (data !== '' && (!isOver || data === '[DONE]' || parseJson(data) !== undefined)) controller.enqueue(data)
        },
        () => eventTooLargeError(limit),
      )
    },
    transform: (bytes) => read(bytes),
    flush() {
      isOver = true
      read()
    },
  }
}

/** Joins all bytes into one text. */
export function wholeTextStage(): Stage<Uint8Array, string> {
  const decoder = new TextDecoder()
  let text = ''
  return {
    transform(bytes) {
      text += decoder.decode(bytes, moreBytesFollow)
      if (text.length > MAX_EVENT_CHARS) throw eventTooLargeError(MAX_EVENT_CHARS)
    },
    flush(controller) {
      text += decoder.decode()
      if (text !== '') controller.enqueue(text)
    },
  }
}

const eventTooLargeError = (limit: number): ChaintapError =>
  new ChaintapError('event_too_large', `The response, or one event of it, is longer than ${limit} characters. Check baseURL.`)
