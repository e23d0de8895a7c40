import type { Delta } from '../../core/delta.ts'
import { TruncatedError } from '../../core/errors.ts'
import type { Stage } from '../../core/flow/link.ts'
import type { OpenRun } from '../../core/run/run.ts'
import { parseJson } from '../../core/util/parse-json.ts'
import { complained, unreadable } from './errors.ts'
import type { Call, Line } from './http.ts'
import { speculation } from './speculation.ts'

/**
 * JSON texts, the events of a stream or the one that is the whole answer, to Deltas. An answer that ends early fails here, after what
 * it had brought has passed (P3). `line` is asked when something came over it.
 */
export function decoded({ wire, streaming, onTruncated }: Call, line: () => Line, run: OpenRun): Stage<string, Delta> {
  const decoder = wire.decoder(streaming)
  const shape = speculation((data) => decoder.textOf(parseJson(data)), decoder.padded)
  let isEmpty = true
  return {
    transform(data, controller) {
      isEmpty = false
      const known = shape.read(data)
      if (known !== undefined) return controller.enqueue({ type: 'text', text: known })
      const event = data === '[DONE]' ? data : parseJson(data)
      if (event === undefined) throw unreadable(line(), `sent ${data.length} characters that are not JSON`)
      const text = decoder.textOf(event)
      if (text !== undefined) {
        shape.learn(data, text)
        return controller.enqueue({ type: 'text', text })
      }
      const complaint = wire.complaint(event)
      if (complaint) throw complained(line(), complaint)
      for (const delta of decoder.decode(event)) controller.enqueue(delta)
    },
    flush() {
      if (decoder.complete) return
      if (!streaming) throw unreadable(line(), `answered with ${isEmpty ? 'an empty body' : 'JSON that is no answer'}`)
      // Nothing at all is nothing to accept.
      if (isEmpty) throw new TruncatedError(`The answer of ${line().name} is empty: its stream ended before the first event. Ask again.`)
      const error = new TruncatedError()
      if (onTruncated === 'error') throw error
      run.markTruncated(error)
    },
  }
}
