import { reportGlobally } from '../../core/util/report-error.ts'
import type { UsageListener, UsageRecord } from '../usage-record.ts'
import { type MeteredFetch, toMeteredRequest, withUsageRequested } from './request.ts'
import { tapResponse, type UsageRecordCallback } from './tap.ts'

export type { UsageListener, UsageRecord } from '../usage-record.ts'
export { tagged, usageTag } from '../usage-tag.ts'
export type { MeteredFetch } from './request.ts'

export interface MeterOptions {
  /**
   * Asks for the usage of streams (`stream_options: { include_usage: true }`) where a request to `…/completions` does not say whether it
   * wants it. It changes the request and adds an event to the answer. Default false.
   */
  readonly askForUsage?: boolean
  /** Told, once, when a stream had no usage because nobody had asked for it. Default: `console.warn`. */
  readonly onDiagnostic?: (message: string) => void
  /** Told of a failure of the listener. Default: `reportError`, else `console.error`. */
  readonly onListenerError?: (error: unknown) => void
}

/** Who is told of answers: a TokenCounter, a function, or an object with `record`. */
export type MeterTarget = UsageListener | ((record: UsageRecord) => void)

/**
 * Counts under anybody's client: a `fetch` that reads along in the answers of models, and tells `target` of each one when it is over,
 * however it ends.
 *
 * - Streams and whole answers of Anthropic, OpenAI (Chat Completions, Completions, Responses, Embeddings), Gemini, Mistral, Ollama,
 *   Workers AI, Bedrock, and of those who speak like one of them: Azure, Groq, DeepSeek, OpenRouter and more. They are known by what they
 *   say; what is no model's answer passes, and has no record. A refusal (4xx, 5xx) has one where a model was asked.
 * - Nothing is changed: the same bytes in the same chunks, each only when it is asked for. Cancelling cancels, and errors are the same.
 * - Nothing of it fails: where an answer cannot be read, or the listener throws, its reader does not notice.
 *
 * Each attempt of a client that tries again has a record of its own. What a provider says only where it was asked is unknown, not 0: see
 * `askForUsage`. An answer that is read to no end, and neither cancelled nor aborted, has no record.
 *
 * @example
 * const client = new OpenAI({ fetch: meter(fetch, ({ model, usage }) => console.log(model, usage)) })
 */
export function meter(fetch: MeteredFetch, target: MeterTarget, options: MeterOptions = {}): MeteredFetch {
  const watch = createListenerResolver(target, options)
  return async (input, init) => {
    const asked = toMeteredRequest(input, init)
    const tell = watch(asked.tag)
    const [wanted, how] = options.askForUsage ? await withUsageRequested(input, init) : [input, init]
    const began = performance.now()
    // A second argument, be it undefined, makes Bun forget what the Request says.
    const response = await (how === undefined ? fetch(wanted) : fetch(wanted, how))
    return tell ? tapResponse(response, asked, began, tell) : response
  }
}

/** What a middleware of `@anthropic-ai/sdk` is asked with: the options of a fetch, and its URL. */
export interface MiddlewareRequest extends RequestInit {
  readonly url: string
}

/**
 * The same as a middleware of `@anthropic-ai/sdk`, for its clients of Bedrock and Vertex too: a middleware sees Anthropic's own events,
 * whatever is on the wire.
 *
 * @example
 * const client = new Anthropic({ middleware: [meterMiddleware(counter)] })
 */
export function meterMiddleware<Asking extends MiddlewareRequest>(
  target: MeterTarget,
  options: Omit<MeterOptions, 'askForUsage'> = {},
): (request: Asking, next: (request: Asking) => Promise<Response>) => Promise<Response> {
  const watch = createListenerResolver(target, options)
  return async (request, next) => {
    const asked = toMeteredRequest(request.url, request)
    const tell = watch(asked.tag)
    const began = performance.now()
    const response = await next(request)
    return tell ? tapResponse(response, asked, began, tell) : response
  }
}

/** Asks the target, when a request leaves, who shall be told of its answer, beside a listener that it is tagged with. What they do cannot fail. */
function createListenerResolver(
  target: MeterTarget,
  { askForUsage, onDiagnostic = warnOnConsole, onListenerError = reportGlobally }: MeterOptions,
): (tag: unknown) => UsageRecordCallback | undefined {
  const listener: UsageListener = typeof target === 'function' ? { record: target } : target
  let hasWarned = false
  const reportListenerError = (error: unknown): void => {
    try {
      onListenerError(error)
    } catch (reason) {
      reportGlobally(reason)
    }
  }
  const guarded = <T>(work: () => T): T | undefined => {
    try {
      const result: unknown = work()
      if (result instanceof Promise) result.catch(reportListenerError)
      return result as T
    } catch (error) {
      reportListenerError(error)
      return undefined
    }
  }
  return (tag) => {
    const heard = listener.begin ? guarded(() => listener.begin?.()) : listener
    const listeners = new Set([heard, tag].filter(isUsageListener))
    if (listeners.size === 0) return
    return (record, lacksUsage) => {
      for (const each of listeners) guarded(() => each.record(record))
      if (!lacksUsage || hasWarned) return
      hasWarned = true
      guarded(() => onDiagnostic(missingUsageMessage(record, askForUsage === true)))
    }
  }
}

const isUsageListener = (tag: unknown): tag is UsageListener => typeof (Object(tag) as Partial<UsageListener>).record === 'function'

function missingUsageMessage({ url }: UsageRecord, wasAsked: boolean): string {
  const cure = wasAsked
    ? 'It was asked for: the server does not tell.'
    : 'Ask for it: stream_options: { include_usage: true }, or meter(fetch, target, { askForUsage: true }).'
  return `A stream from ${url} had no usage, so what it cost is unknown. ${cure} This is said once.`
}

// biome-ignore lint/suspicious/noConsole: where nobody listens
const warnOnConsole = (message: string): void => console.warn(message)
