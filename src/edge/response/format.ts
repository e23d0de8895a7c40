import type { Outcome } from '../../core/outcome.ts'
import type { PublicErrorMapper } from './public-error.ts'
import { sseHeaders, streamHeaders } from './sse.ts'

/**
 * How a run is written to a response.
 *
 * - `events`, of `chain.events(…)`: server-sent events with `id: seq`, `event: type` and `data:` (the codec's JSON); the last one is
 *   `event: outcome`
 * - `text`, of `chain.stream(…)`: the text of its chunks
 * - `ndjson`, of either: one line of JSON for each event or chunk; the last one is `{ "type": "outcome", … }`
 * - `ui-message`, of either (prefer events): the AI SDK's UI message stream v1, which `useChat` reads
 * - `openai`, of either (prefer events): `chat.completion.chunk` objects, which the `openai` SDK reads
 * - `ag-ui`, of either (prefer events): events of the AG-UI protocol 1.0, which its `HttpAgent` and CopilotKit read
 */
export type ResponseFormat = 'events' | 'text' | 'ndjson' | 'ui-message' | 'openai' | 'ag-ui'

/** Writes one run in a format. */
export interface ResponseWriter {
  write(batch: readonly unknown[]): string
  /** Writes the end, a failure included. A format without it reports a failure by erroring the stream. */
  end?(outcome: Outcome<unknown>): string
}

/** Options of the `openai` format. */
export interface OpenAIFormat {
  /**
   * The `model` field of the response.
   *
   * @defaultValue the model's name as its provider reports it, else `chaintap`
   */
  readonly model?: string
  /**
   * Sends the usage in a chunk of its own before the end. OpenAI itself sends it only with `stream_options.include_usage`.
   *
   * @defaultValue true
   */
  readonly includeUsage?: boolean
}

/** Options of the `ag-ui` format: the ids that the client sent. */
export interface AgUiFormat {
  /**
   * The id of the conversation.
   *
   * @defaultValue the id of the root run
   */
  readonly threadId?: string
  /**
   * The id of this response.
   *
   * @defaultValue the id of the root run
   */
  readonly runId?: string
}

/** Options of a {@link ResponseWriter}. */
export interface ResponseWriterOptions {
  readonly expose: PublicErrorMapper
  readonly openai?: OpenAIFormat | undefined
  readonly agUi?: AgUiFormat | undefined
  readonly messageId?: string | undefined
}

/** Returns the headers of a response in a format. */
export function formatHeaders(format: ResponseFormat): Record<string, string> {
  if (format === 'text') return streamHeaders('text/plain; charset=utf-8')
  if (format === 'ndjson') return streamHeaders('application/x-ndjson; charset=utf-8')
  if (format !== 'ui-message') return sseHeaders()
  // Exactly the headers that the AI SDK's own servers send.
  return {
    ...streamHeaders('text/event-stream'),
    'cache-control': 'no-cache',
    connection: 'keep-alive',
    'x-vercel-ai-ui-message-stream': 'v1',
  }
}

/** Merges headers, those of `over` last. Names are compared without regard to case. */
export function mergeHeaders(headers: Readonly<Record<string, string>>, over: Readonly<Record<string, string>> = {}): Headers {
  const all = new Headers(headers)
  for (const [name, value] of Object.entries(over)) all.set(name, value)
  return all
}

/** Whether a format is server-sent events, which may contain comments. */
export const isSseFormat = (format: ResponseFormat): boolean => format !== 'text' && format !== 'ndjson'

/** Returns the text of a string or a text Delta; `''` for any other chunk. */
export function chunkText(chunk: unknown): string {
  if (typeof chunk === 'string') return chunk
  const { type, text } = (chunk ?? {}) as { type?: unknown; text?: unknown }
  return type === 'text' && typeof text === 'string' ? text : ''
}
