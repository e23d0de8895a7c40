import type { Delta } from '../../core/delta.ts'
import { TruncatedError } from '../../core/errors.ts'
import type { Stage } from '../../core/flow/link.ts'
import type { RunHandle } from '../../core/run/run-handle.ts'
import { parseJson } from '../../core/util/parse-json.ts'
import { isDoneMark } from '../../tokens/answer/openai-content.ts'
import type { Decoder } from '../wire.ts'
import { malformedEventError, protocolError, providerStreamError, unexpectedTypeError } from './errors.ts'
import { type Speculation, speculation } from './speculation.ts'
import type { RequestContext, Transport } from './transport.ts'

/**
 * Decodes JSON texts to Deltas: the events of a stream, or the one text that is the whole response. A response that ends early throws
 * here, after the Deltas that arrived (P3). `transport` is called when the first text has arrived.
 */
export function decodeStage(call: RequestContext, transport: () => Transport, run: RunHandle): Stage<string, Delta> {
  let decoder: Decoder | undefined
  let templates: Speculation | undefined
  let isDone = false
  return {
    transform(data, controller) {
      // Some servers send more after the end mark.
      if (isDone) return
      const known = templates?.readText(data)
      if (known !== undefined) return controller.enqueue({ type: 'text', text: known })
      isDone = isDoneMark(data)
      // Not created before: the format of the body may not be the one that was requested.
      const current = (decoder ??= call.createDecoder(call.isStream))
      templates ??= speculation((text) => current.extractText(parseJson(text)), current.replacePadding)
      const { text, deltas = [], error } = readEvent(isDone ? '[DONE]' : data, call, current, transport)
      if (text !== undefined) {
        templates.addTemplate(data, text)
        return controller.enqueue({ type: 'text', text })
      }
      for (const delta of deltas) controller.enqueue(delta)
      if (error) throw error
    },
    flush() {
      if (decoder?.complete) return
      const error = incompleteError(call, transport(), decoder ? isDone : undefined)
      if (!(error instanceof TruncatedError) || !decoder || call.onTruncated === 'error') throw error
      run.report({ truncated: error })
    },
  }
}

/** The error of a response without an end. `isDone`: whether it had OpenAI's end mark; undefined if it had no event. */
function incompleteError({ isStream, unexpectedType }: RequestContext, transport: Transport, isDone: boolean | undefined): Error {
  if (!isStream) return protocolError(transport, `returned ${isDone === undefined ? 'an empty body' : 'JSON without an answer'}`)
  if (isDone) return protocolError(transport, 'ended a stream without an answer')
  if (isDone === false) return new TruncatedError()
  if (unexpectedType) return unexpectedTypeError(transport, unexpectedType)
  return new TruncatedError(`The response of ${transport.name} is empty: its stream ended before the first event. Retry the call.`)
}

interface ReadEvent {
  /** The text of an event that is one piece of text. */
  readonly text?: string
  readonly deltas?: readonly Delta[]
  /** Thrown after the Deltas (P3). */
  readonly error?: Error | undefined
}

function readEvent(data: string, { wire, isStream }: RequestContext, decoder: Decoder, transport: () => Transport): ReadEvent {
  const event = data === '[DONE]' ? data : parseJson(data)
  // A text instead of JSON is an error in the server's own words, but JSON that is cut is not.
  const isText = event === undefined ? !/^\s*[{["<]/.test(data) : typeof event === 'string' && !isStream
  if (isText) return { error: providerStreamError(transport(), { message: typeof event === 'string' ? event : data }) }
  if (event === undefined) return { error: protocolError(transport(), `sent ${data.length} characters that are not valid JSON`) }
  let error: Error | undefined
  try {
    const text = decoder.extractText(event)
    if (typeof text === 'string') return { text }
    const reported = wire.parseError(event)
    error = reported && providerStreamError(transport(), reported)
    return { deltas: decoder.decode(event), error }
  } catch (thrown) {
    return { error: error ?? malformedEventError(transport(), thrown) }
  }
}
