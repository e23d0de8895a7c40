import type { Delta } from '../../core/delta.ts'
import { ChaintapError, TruncatedError } from '../../core/errors.ts'
import type { Stage } from '../../core/flow/link.ts'
import type { RunHandle } from '../../core/run/run-handle.ts'
import { parseJson } from '../../core/util/parse-json.ts'
import type { Decoder } from '../wire.ts'
import { malformedEventError, protocolError, providerStreamError } from './errors.ts'
import { speculation } from './speculation.ts'
import type { RequestContext, Transport } from './transport.ts'

/**
 * Decodes JSON texts to Deltas: the events of a stream, or the one text that is the whole response. A response that ends early throws
 * here, after the Deltas that arrived (P3). `transport` is called when the first text has arrived.
 */
export function decodeStage(
  { wire, streaming, onTruncated, createDecoder }: RequestContext,
  transport: () => Transport,
  run: RunHandle,
): Stage<string, Delta> {
  const decoder = createDecoder()
  const templates = speculation((data) => decoder.extractText(parseJson(data)), decoder.replacePadding)
  let isEmpty = true
  return {
    transform(data, controller) {
      isEmpty = false
      const known = templates.readText(data)
      if (known !== undefined) return controller.enqueue({ type: 'text', text: known })
      let deltas: string | readonly Delta[]
      try {
        deltas = readEvent(data, wire, decoder, transport)
      } catch (error) {
        throw error instanceof ChaintapError ? error : malformedEventError(transport(), error)
      }
      if (typeof deltas === 'string') {
        templates.addTemplate(data, deltas)
        return controller.enqueue({ type: 'text', text: deltas })
      }
      for (const delta of deltas) controller.enqueue(delta)
    },
    flush() {
      if (decoder.complete) return
      if (!streaming) throw protocolError(transport(), `returned ${isEmpty ? 'an empty body' : 'JSON without an answer'}`)
      // An empty stream holds nothing to accept.
      if (isEmpty)
        throw new TruncatedError(`The response of ${transport().name} is empty: its stream ended before the first event. Retry the call.`)
      const error = new TruncatedError()
      if (onTruncated === 'error') throw error
      run.report({ truncated: error })
    },
  }
}

/** Returns the text of an event that is one piece of text, otherwise its Deltas. */
function readEvent(data: string, wire: RequestContext['wire'], decoder: Decoder, transport: () => Transport): string | readonly Delta[] {
  const event = data === '[DONE]' ? data : parseJson(data)
  if (event === undefined) throw protocolError(transport(), `sent ${data.length} characters that are not valid JSON`)
  const text = decoder.extractText(event)
  if (typeof text === 'string') return text
  const providerError = wire.parseError(event)
  if (providerError) throw providerStreamError(transport(), providerError)
  return decoder.decode(event)
}
