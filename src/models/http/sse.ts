import { ChaintapError } from '../../core/errors.ts'
import type { Stage } from '../../core/flow/link.ts'
import { isRecord } from '../../core/util/is-record.ts'
import { parseJson } from '../../core/util/parse-json.ts'
import { createSseReader } from '../../core/util/sse.ts'
import { isDoneMark } from '../../tokens/answer/openai-content.ts'
import { createUnknownLines } from './unknown-lines.ts'

/** 8 million characters: room for an image in base64, while a body without line ends cannot fill the memory. */
export const MAX_EVENT_CHARS = 8_000_000

/**
 * Turns bytes into the data of server-sent events (HTML standard §9.2.6). Events without data are dropped: decoders have no use for them.
 *
 * Servers bend the standard, which would lose the end of a response or its error:
 *
 * - A last event that lacks its blank line is emitted if it is complete JSON or OpenAI's `[DONE]`.
 * - An event named `error`, and a line `error: …` (llama.cpp), are emitted as `{ "error": … }`.
 * - JSON that is not in an event (Gemini's errors) is emitted.
 *
 * @throws ChaintapError `event_too_large` for an event that is longer than `limit` characters and arrives in several chunks.
 */
export function sseDataStage({ limit = MAX_EVENT_CHARS }: { readonly limit?: number } = {}): Stage<Uint8Array, string> {
  let read: ReturnType<typeof createSseReader>
  let lines: ReturnType<typeof createUnknownLines>
  let isOver = false
  return {
    start(controller) {
      lines = createUnknownLines((data, isError) => controller.enqueue(isError ? toErrorEvent(data) : data))
      read = createSseReader(
        limit,
        ({ event, data }) => {
          if (event === 'error') controller.enqueue(toErrorEvent(data))
          else if (data !== '' && (!isOver || isDoneMark(data) || parseJson(data) !== undefined)) controller.enqueue(data)
        },
        () => eventTooLargeError(limit),
        lines.add,
      )
    },
    transform: (bytes) => read(lines.hold(bytes)),
    flush() {
      isOver = true
      read(lines.rest())
      read()
    },
  }
}

/** Returns the data of an error event in the form that `parseError` of every wire reads. */
function toErrorEvent(data: string): string {
  const json = parseJson(data)
  return isRecord(json) && json.error ? data : JSON.stringify({ error: json || data || 'error' })
}

export const eventTooLargeError = (limit: number): ChaintapError =>
  new ChaintapError('event_too_large', `The response, or one event of it, is longer than ${limit} characters. Check baseURL.`)
