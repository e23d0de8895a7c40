import type { RunEvent } from '../../core/event.ts'
import { isRunEvent } from '../../core/is-run-event.ts'
import { encoder } from '../../core/json/index.ts'
import { plainJson } from '../../core/json/plain.ts'
import { encodeOutcomeFrame, eventFrameEncoder, outcomeJson } from './event-frames.ts'
import { chunkText, type ResponseFormat, type ResponseWriter, type ResponseWriterOptions } from './format.ts'
import { type PublicErrorMapper, publicEvent, publicOutcome } from './public-error.ts'

/** Creates the writer of a format. Loads the formats of other clients when they are first used. */
export function createResponseWriter(format: ResponseFormat, options: ResponseWriterOptions): ResponseWriter | Promise<ResponseWriter> {
  if (format === 'events') return eventsWriter(options.expose)
  if (format === 'text') return textWriter()
  if (format === 'ndjson') return ndjsonWriter(options.expose)
  if (format === 'openai') return import('../formats/openai.ts').then(({ openaiWriter }) => openaiWriter(options))
  if (format === 'ag-ui') return import('../formats/ag-ui.ts').then(({ agUiWriter }) => agUiWriter(options))
  return import('../formats/ui-message.ts').then(({ uiMessageWriter }) => uiMessageWriter(options))
}

function textWriter(): ResponseWriter {
  // Half of a surrogate pair cannot be encoded as UTF-8: it is held back until the other half arrives.
  let pendingSurrogate = ''
  return {
    write(batch) {
      const text = pendingSurrogate + batch.map(chunkText).join('')
      pendingSurrogate = (text.charCodeAt(text.length - 1) & 0xfc00) === 0xd800 ? text.slice(-1) : ''
      return pendingSurrogate === '' ? text : text.slice(0, -1)
    },
  }
}

function eventsWriter(expose: PublicErrorMapper): ResponseWriter {
  const encodeFrame = eventFrameEncoder(expose)
  return {
    write: (batch) => (batch as readonly RunEvent[]).map(encodeFrame).join(''),
    end: (outcome) => encodeOutcomeFrame(publicOutcome(outcome, expose)),
  }
}

function ndjsonWriter(expose: PublicErrorMapper): ResponseWriter {
  const encode = encoder()
  const line = (chunk: unknown): string => (isRunEvent(chunk) ? encode(publicEvent(chunk, expose)) : plainJson(chunk))
  return {
    write: (batch) => batch.map((chunk) => `${line(chunk)}\n`).join(''),
    end: (outcome) => `{"type":"outcome",${outcomeJson(publicOutcome(outcome, expose)).slice(1)}\n`,
  }
}
