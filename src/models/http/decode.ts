import type { Delta } from '../../core/delta.ts'
import { TruncatedError } from '../../core/errors.ts'
import type { Stage } from '../../core/flow/link.ts'
import type { RunHandle } from '../../core/run/run-handle.ts'
import { parseJson } from '../../core/util/parse-json.ts'
import { protocolError, providerStreamError } from './errors.ts'
import { speculation } from './speculation.ts'
import type { RequestContext, Transport } from './transport.ts'

/**
 * JSON texts, the events of a stream or the one that is the whole answer, to Deltas. An answer that ends early fails here, after what
 * it had brought has passed (P3). `line` is asked when something came over it.
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
      if (event === undefined) throw protocolError(transport(), `sent ${data.length} characters that are not JSON`)
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
      if (!streaming) throw protocolError(transport(), `answered with ${isEmpty ? 'an empty body' : 'JSON that is no answer'}`)
      // Nothing at all is nothing to accept.
      if (isEmpty)
        throw new TruncatedError(`The answer of ${transport().name} is empty: its stream ended before the first event. Ask again.`)
      const error = new TruncatedError()
      if (onTruncated === 'error') throw error
      run.report({ truncated: error })
    },
  }
}
