import type { Stage } from '../../core/flow/link.ts'
import { parseJson } from '../../core/util/parse-json.ts'
import { moreBytesFollow } from '../../core/util/sse.ts'
import { isDoneMark } from '../../tokens/answer/openai-content.ts'
import { unexpectedTypeError } from './errors.ts'
import { eventTooLargeError, MAX_EVENT_CHARS, sseDataStage } from './sse.ts'
import type { RequestContext, Transport } from './transport.ts'

/** Blanks, and the bytes of a byte order mark. */
const leadingBytes: readonly number[] = [9, 10, 13, 32, 0xef, 0xbb, 0xbf]
const LESS_THAN = 60
/** The first bytes of JSON objects, lists and strings, and of HTML. */
const wholeTextBytes: readonly number[] = [123, 91, 34, LESS_THAN]

/**
 * Turns a body into the data of its events, or into one text if it is a whole answer. The first bytes decide: servers send whole answers
 * and errors to requests for streams, streams to requests for whole answers, and both with wrong content types.
 *
 * @throws ModelError `wire` for HTML instead of a stream.
 */
export function bodyStage(call: RequestContext, transport: () => Transport): Stage<Uint8Array, string> {
  let stage: Stage<Uint8Array, string> | undefined
  return {
    transform(bytes, controller) {
      if (stage) return stage.transform?.(bytes, controller)
      const at = bytes.findIndex((byte) => !leadingBytes.includes(byte))
      const first = bytes[at]
      if (first === undefined) return
      if (first === LESS_THAN && call.unexpectedType) throw unexpectedTypeError(transport(), call.unexpectedType)
      call.isStream = call.streaming && !wholeTextBytes.includes(first)
      stage = call.isStream ? sseDataStage() : wholeTextStage(call)
      stage.start?.(controller)
      return stage.transform?.(bytes.subarray(at), controller)
    },
    flush: (controller) => stage?.flush?.(controller),
  }
}

/** Joins all bytes into one text. If that is a stream of events, or of JSON lines, emits each of them. */
function wholeTextStage(call: RequestContext): Stage<Uint8Array, string> {
  const decoder = new TextDecoder()
  let text = ''
  return {
    transform(bytes) {
      text += decoder.decode(bytes, moreBytesFollow)
      if (text.length > MAX_EVENT_CHARS) throw eventTooLargeError(MAX_EVENT_CHARS)
    },
    flush(controller) {
      text += decoder.decode()
      if (/^(?:data|event|id|retry)?:/.test(text)) {
        call.isStream = true
        const events = sseDataStage()
        events.start?.(controller)
        events.transform?.(new TextEncoder().encode(text), controller)
        return events.flush?.(controller)
      }
      const lines = text.split('\n')
      call.isStream = lines.length > 1 && parseJson(lines[0] ?? '') !== undefined && parseJson(text) === undefined
      // A last line that is cut is dropped, as a last event is.
      const events = call.isStream ? lines.filter((line) => isDoneMark(line) || parseJson(line) !== undefined) : [text]
      for (const event of events) controller.enqueue(event)
    },
  }
}
