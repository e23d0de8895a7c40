import type { EventSourceMessage } from 'eventsource-parser'
import type { Delta } from '../core/delta.ts'
import { ChaintapError, TruncatedError } from '../core/errors.ts'
import type { Stage } from '../core/link.ts'
import type { OpenRun } from '../core/run.ts'
import { type Asked, complained, unreadable } from './failure.ts'
import type { Wire, WireRequest } from './wire.ts'

/** What to do with an answer that ends without the provider's own end. */
export type OnTruncated = 'error' | 'accept'

/** One call of a model. */
export interface Call {
  readonly wire: Wire<never>
  readonly request: WireRequest
  /** Whether the answer is asked for as a stream. */
  readonly streaming: boolean
  readonly maxRetries: number
  readonly onTruncated: OnTruncated
}

/** Events to Deltas. A stream that ends early fails here, after what it had brought has passed (P3). */
export function decoded({ wire, onTruncated }: Call, asked: Asked, run: OpenRun): Stage<EventSourceMessage, Delta> {
  const decoder = wire.decoder((complaint) => {
    throw complained(asked, complaint)
  })
  let isEmpty = true
  return {
    transform(event, controller) {
      isEmpty = false
      decoder.transform(event, controller)
    },
    flush() {
      if (decoder.complete) return
      // Nothing at all is nothing to accept.
      if (isEmpty) throw new TruncatedError(`The answer of ${asked.name} is empty: its stream ended before the first event. Ask again.`)
      const error = new TruncatedError()
      if (onTruncated === 'error') throw error
      run.markTruncated(error)
    },
  }
}

/** In characters; what a stream could bring in one event. */
const ANSWER_LIMIT = 8_000_000

/** A body that holds the whole answer as JSON to its Deltas. */
export function whole({ wire }: Call, asked: Asked): Stage<Uint8Array, Delta> {
  const decoder = new TextDecoder()
  let text = ''
  return {
    transform(bytes) {
      text += decoder.decode(bytes, { stream: true })
      if (text.length > ANSWER_LIMIT) {
        throw new ChaintapError(
          'event_too_large',
          `The answer of ${asked.name} is longer than ${ANSWER_LIMIT} characters. Stream it instead.`,
        )
      }
    },
    flush(controller) {
      text += decoder.decode()
      const body = parsed(text, asked)
      const complaint = wire.complaint(body)
      if (complaint) throw complained(asked, complaint)
      const deltas = wire.whole(body)
      if (!deltas) throw unreadable(asked, 'answered with JSON that is no answer')
      for (const delta of deltas) controller.enqueue(delta)
    },
  }
}

function parsed(text: string, asked: Asked): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw unreadable(asked, text === '' ? 'answered with an empty body' : `answered with ${text.length} characters that are not JSON`)
  }
}
