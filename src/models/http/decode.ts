import type { Delta } from '../../core/delta.ts'
import { TruncatedError } from '../../core/errors.ts'
import type { Stage } from '../../core/flow/link.ts'
import type { RunHandle } from '../../core/run/run-handle.ts'
import { parseJson } from '../../core/util/parse-json.ts'
import { protocolError, providerStreamError } from './errors.ts'
import { speculation } from './speculation.ts'
import type { RequestContext, Transport } from './transport.ts'

/**
 * Decodes JSON texts to Deltas: the events of a stream, or the one text that is the whole response. A response that ends early throws
 * here, after the Deltas that arrived (P3). `transport` is called when the first text has arrived.
 */
export function decodeStage(
  { wire, streaming, onTruncated }: RequestContext,
  transport: () => Transport,
  run: RunHandle,
): Stage<string, Delta> {
  const decoder = wire.decoder(streaming)
  const templates = speculation((data) => decoder.extractText(parseJson(data)), decoder.replacePadding)
  let isEmpty = true
  return {
    transform(data, controller) {
      isEmpty = false
      const known = templates.readText(data)
      if (known !== undefined) return controller.enqueue({ type: 'text', text: known })
      const event = data === '[DONE]' ? data : parseJson(data)
      if (event === undefined) throw protocolError(transport(), `sent ${data.length} characters that are not valid JSON`)
      const text = decoder.extractText(event)
      if (text !== undefined) {
        templates.addTemplate(data, text)
        return controller.enqueue({ type: 'text', text })
      }
      const providerError = wire.parseError(event)
      if (providerError) throw providerStreamError(transport(), providerError)
      for (const delta of decoder.decode(event)) controller.enqueue(delta)
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
