import type { RunEvent } from '../../core/event.ts'
import { isRunEvent } from '../../core/is-run-event.ts'
import { encoder } from '../../core/json/index.ts'
import { plainJson } from '../../core/json/plain.ts'
import type { Outcome } from '../../core/outcome.ts'
import { type PublicErrorMapper, publicEvent, publicOutcome } from './public-error.ts'
import { eventFrame, outcomeFrame, outcomeJson, sseHeaders, streamHeaders } from './sse.ts'

/**
 * How a run is written.
 *
 * - `events` of `chain.events(…)`: server-sent events, `id: seq`, `event: type`, `data:` the codec's JSON, the last one `event: outcome`
 * - `text` of `chain.stream(…)`: the bare text of its chunks
 * - `ndjson` of either: a line of JSON for each event or chunk, the last one `{ "type": "outcome", … }`
 * - `ui-message` of either, best of events: the AI SDK's UI message stream v1, which `useChat` reads
 * - `openai` of either, best of events: `chat.completion.chunk`s, which the `openai` SDK reads
 * - `ag-ui` of either, best of events: the events of the AG-UI protocol 1.0, which its `HttpAgent` and CopilotKit read
 */
export type ResponseFormat = 'events' | 'text' | 'ndjson' | 'ui-message' | 'openai' | 'ag-ui'

/** One answer being written. */
export interface ResponseWriter {
  write(batch: readonly unknown[]): string
  /** The end, in which a failure is told too; without it a failure breaks the stream. */
  end?(outcome: Outcome<unknown>): string
}

/** What the `openai` format says beside what the run does. */
export interface OpenAIFormat {
  /** Default: as the model is named by its provider, else `chaintap`. */
  readonly model?: string
  /** Tell the usage in a chunk of its own, before the end. Default true; OpenAI does only where it is asked to. */
  readonly includeUsage?: boolean
}

/** Whose answer the `ag-ui` format says it is, in the client's own ids. */
export interface AgUiFormat {
  /** Of the conversation. Default: the id of the root run. */
  readonly threadId?: string
  /** Of this answer. Default: the id of the root run. */
  readonly runId?: string
}

/** What writers are told. */
export interface ResponseWriterOptions {
  readonly expose: PublicErrorMapper
  readonly openai?: OpenAIFormat | undefined
  readonly agUi?: AgUiFormat | undefined
  readonly messageId?: string | undefined
}

/** The writer of a format. The formats of others are loaded when they are first asked for. */
export function createResponseWriter(format: ResponseFormat, options: ResponseWriterOptions): ResponseWriter | Promise<ResponseWriter> {
  if (format === 'events') return eventsWriter(options.expose)
  if (format === 'text') return textWriter()
  if (format === 'ndjson') return ndjsonWriter(options.expose)
  if (format === 'openai') return import('../formats/openai.ts').then(({ openaiWriter }) => openaiWriter(options))
  if (format === 'ag-ui') return import('../formats/ag-ui.ts').then(({ agUiWriter }) => agUiWriter(options))
  return import('../formats/ui-message.ts').then(({ uiMessageWriter }) => uiMessageWriter(options))
}

/** The headers of an answer in this format. */
export function formatHeaders(format: ResponseFormat): Record<string, string> {
  if (format === 'text') return streamHeaders('text/plain; charset=utf-8')
  if (format === 'ndjson') return streamHeaders('application/x-ndjson; charset=utf-8')
  if (format !== 'ui-message') return sseHeaders()
  // To the letter as the AI SDK's own servers send them.
  return {
    ...streamHeaders('text/event-stream'),
    'cache-control': 'no-cache',
    connection: 'keep-alive',
    'x-vercel-ai-ui-message-stream': 'v1',
  }
}

/** Headers with others over them, however their names are written. */
export function mergeHeaders(headers: Readonly<Record<string, string>>, over: Readonly<Record<string, string>> = {}): Headers {
  const all = new Headers(headers)
  for (const [name, value] of Object.entries(over)) all.set(name, value)
  return all
}

/** Comments stand in server-sent events alone. */
export const isSseFormat = (format: ResponseFormat): boolean => format !== 'text' && format !== 'ndjson'

/** Text, or a Delta of text; what else a run yields has no place in bare text. */
export function chunkText(chunk: unknown): string {
  if (typeof chunk === 'string') return chunk
  const { type, text } = (chunk ?? {}) as { type?: unknown; text?: unknown }
  return type === 'text' && typeof text === 'string' ? text : ''
}

function textWriter(): ResponseWriter {
  // Half of a character (a lone surrogate) has no bytes: it waits for the other half.
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
  const encode = encoder()
  return {
    write: (batch) => (batch as readonly RunEvent[]).map((event) => eventFrame(event, encode(publicEvent(event, expose)))).join(''),
    end: (outcome) => outcomeFrame(publicOutcome(outcome, expose)),
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
