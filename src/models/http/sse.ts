import { createParser, type EventSourceParser } from 'eventsource-parser'
import { ChaintapError } from '../../core/errors.ts'
import type { Stage } from '../../core/flow/link.ts'
import { parseJson } from '../../core/util/parse-json.ts'

/** 8 million characters: an image as base64 fits, a body without line ends does not fill the memory. */
const MAX_EVENT_CHARS = 8_000_000

const chunkDecodeOptions = { stream: true }

/**
 * Bytes to the data of server-sent events (HTML standard §9.2.6). Events without data are left out, as they say nothing to a decoder.
 *
 * The standard drops a last event that lacks its blank line. Here it is tried once, where it is whole JSON (or OpenAI's `[DONE]`):
 * some servers end so.
 *
 * @throws ChaintapError `event_too_large` for one event that is longer than `limit` characters and came in several chunks.
 */
export function sseDataStage({ limit = MAX_EVENT_CHARS }: { readonly limit?: number } = {}): Stage<Uint8Array, string> {
  // The parser takes off the one byte order mark that the standard allows for; the decoder would take off another.
  const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
  let parser: EventSourceParser
  let isOver = false
  return {
    start(controller) {
      parser = createParser({
        maxBufferSize: limit,
        onEvent({ data }) {
          if (data !== '' && (!isOver || data === '[DONE]' || parseJson(data) !== undefined)) controller.enqueue(data)
        },
        onError({ type }) {
          if (type === 'max-buffer-size-exceeded') throw eventTooLargeError(limit)
        },
      })
    },
    transform(bytes) {
      parser.feed(decoder.decode(bytes, chunkDecodeOptions))
    },
    flush() {
      isOver = true
      parser.feed(`${decoder.decode()}\n\n`)
    },
  }
}

/** Bytes to the one text that they are. */
export function wholeTextStage(): Stage<Uint8Array, string> {
  const decoder = new TextDecoder()
  let text = ''
  return {
    transform(bytes) {
      text += decoder.decode(bytes, chunkDecodeOptions)
      if (text.length > MAX_EVENT_CHARS) throw eventTooLargeError(MAX_EVENT_CHARS)
    },
    flush(controller) {
      text += decoder.decode()
      if (text !== '') controller.enqueue(text)
    },
  }
}

const eventTooLargeError = (limit: number): ChaintapError =>
  new ChaintapError('event_too_large', `The answer, or one event of it, is longer than ${limit} characters. Check baseURL.`)
