import { createParser, type EventSourceMessage, type EventSourceParser } from 'eventsource-parser'
import { ChaintapError } from '../core/errors.ts'
import type { Stage } from '../core/link.ts'

/** 8 million characters: an image as base64 fits, a body without line ends does not fill the memory. */
const EVENT_LIMIT = 8_000_000

const more = { stream: true }

/**
 * Bytes to server-sent events (HTML standard §9.2.6). Events without data are left out, as they say nothing to a decoder.
 *
 * The standard drops a last event that lacks its blank line. Here it is tried once, where it is whole JSON (or OpenAI's `[DONE]`):
 * some servers end so.
 *
 * @throws ChaintapError `event_too_large` for one event that is longer than `limit` characters and came in several chunks.
 */
export function sse({ limit = EVENT_LIMIT }: { readonly limit?: number } = {}): Stage<Uint8Array, EventSourceMessage> {
  // The parser takes off the one byte order mark that the standard allows for; the decoder would take off another.
  const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
  let parser: EventSourceParser
  let isOver = false
  return {
    start(controller) {
      parser = createParser({
        maxBufferSize: limit,
        onEvent(event) {
          if (event.data !== '' && (!isOver || isWhole(event.data))) controller.enqueue(event)
        },
        onError(error) {
          if (error.type === 'max-buffer-size-exceeded') throw tooLarge(limit)
        },
      })
    },
    transform(bytes) {
      parser.feed(decoder.decode(bytes, more))
    },
    flush() {
      isOver = true
      parser.feed(`${decoder.decode()}\n\n`)
    },
  }
}

function isWhole(data: string): boolean {
  if (data === '[DONE]') return true
  try {
    JSON.parse(data)
    return true
  } catch {
    return false
  }
}

const tooLarge = (limit: number): ChaintapError =>
  new ChaintapError(
    'event_too_large',
    `One event of the answer is longer than ${limit} characters. Check that baseURL leads to the provider.`,
  )
