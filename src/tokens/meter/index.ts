import { reportGlobally } from '../../core/util/report-error.ts'
import type { UsageListener, UsageRecord } from '../usage-record.ts'
import { type MeteredFetch, toMeteredRequest, withUsageRequested } from './request.ts'
import { tapResponse, type UsageProblem, type UsageRecordCallback } from './tap.ts'

export type { UsageListener, UsageRecord } from '../usage-record.ts'
export { tagged, usageTag } from '../usage-tag.ts'
export type { MeteredFetch } from './request.ts'

/** Options of {@link meter} and {@link meterMiddleware}. */
export interface MeterOptions {
  /**
   * Adds `stream_options: { include_usage: true }` to streaming requests to `…/completions` that do not set it. This changes the request
   * and
   * adds an event to the answer. Not for Mistral, which reports usage without it and rejects the field.
   *
   * @defaultValue false
   */
  readonly askForUsage?: boolean
  /**
   * Called once, when a stream ends without usage because the request did not ask for it, and once, when a provider reports usage that
   * cannot be true (strings, negative numbers), which is left out.
   *
   * @defaultValue `console.warn`
   */
  readonly onDiagnostic?: (message: string) => void
  /**
   * Called when a listener throws.
   *
   * @defaultValue `reportError`, or `console.error` if the engine lacks it
   */
  readonly onListenerError?: (error: unknown) => void
}

/** Receives the records of answers: a TokenCounter, a function, or an object with `record`. */
export type MeterTarget = UsageListener | ((record: UsageRecord) => void)

/**
 * Returns a `fetch` for any client that reads the answers of models as they pass, and passes a record of each one to `target` when the
 * answer
 * is over, however it ends.
 *
 * - It reads streams and whole answers of Anthropic, OpenAI (Chat Completions, Completions, Responses, Embeddings), Gemini, Mistral,
 *   Ollama,
 *   Workers AI, Bedrock, and of servers with one of these formats: Azure, Groq, DeepSeek, OpenRouter and others. Formats are detected from
 *   the content. An answer of a model in another format has a record without usage, a refused request (4xx, 5xx) to a model has one, too.
 *   Other responses have no record.
 * - It does not change the body: the same bytes in the same chunks, each read only on demand. Cancelling and errors pass through.
 * - It does not fail a call: unreadable answers and exceptions of listeners do not affect the reader.
 *
 * If a client retries, each attempt has its own record. Usage that a provider reports only on request is absent otherwise: see
 * `askForUsage`. An answer that is neither read to its end, nor cancelled, nor aborted has no record.
 *
 * @example
 * // new OpenAI({ apiKey, fetch: metered })
 * const metered = meter(fetch, ({ model, usage }) => console.log(model, usage))
 */
export function meter(fetch: MeteredFetch, target: MeterTarget, options: MeterOptions = {}): MeteredFetch {
  const recordCallback = createListenerResolver(target, options)
  return async (input, init) => {
    const request = toMeteredRequest(input, init)
    const onRecord = recordCallback(request.tag)
    const [sentInput, sentInit] = options.askForUsage ? await withUsageRequested(input, init) : [input, init]
    const startedAt = performance.now()
    // With a second argument, even undefined, Bun ignores the options of the Request.
    const response = await (sentInit === undefined ? fetch(sentInput) : fetch(sentInput, sentInit))
    return onRecord ? tapResponse(response, request, startedAt, onRecord) : response
  }
}

/** The request of a middleware of `@anthropic-ai/sdk`: options of `fetch`, and the URL. */
export interface MiddlewareRequest extends RequestInit {
  /** The URL of the request. */
  readonly url: string
}

/**
 * The same as {@link meter}, as a middleware of `@anthropic-ai/sdk`. It also works for the SDK's Bedrock and Vertex clients, because a
 * middleware receives Anthropic's own events, whatever the wire format.
 *
 * @example
 * // new Anthropic({ middleware: [middleware] })
 * const middleware = meterMiddleware(({ model, usage }) => console.log(model, usage))
 */
export function meterMiddleware<Sent extends MiddlewareRequest>(
  target: MeterTarget,
  options: Omit<MeterOptions, 'askForUsage'> = {},
): (request: Sent, next: (request: Sent) => Promise<Response>) => Promise<Response> {
  const recordCallback = createListenerResolver(target, options)
  return async (request, next) => {
    const meteredRequest = toMeteredRequest(request.url, request)
    const onRecord = recordCallback(meteredRequest.tag)
    const startedAt = performance.now()
    const response = await next(request)
    return onRecord ? tapResponse(response, meteredRequest, startedAt, onRecord) : response
  }
}

/**
 * Returns a function that resolves, when a request is sent, the listeners of its record: those of the target, and its tag. Their exceptions
 * are caught.
 */
function createListenerResolver(
  target: MeterTarget,
  { askForUsage, onDiagnostic = warnOnConsole, onListenerError = reportGlobally }: MeterOptions,
): (tag: unknown) => UsageRecordCallback | undefined {
  const listener: UsageListener = typeof target === 'function' ? { record: target } : target
  const reportedProblems = new Set<UsageProblem>()
  const reportListenerError = (error: unknown): void => {
    try {
      onListenerError(error)
    } catch (reason) {
      reportGlobally(reason)
    }
  }
  const guarded = <T>(callback: () => T): T | undefined => {
    try {
      const result: unknown = callback()
      if (result instanceof Promise) result.catch(reportListenerError)
      return result as T
    } catch (error) {
      reportListenerError(error)
      return undefined
    }
  }
  return (tag) => {
    const scoped = listener.begin ? guarded(() => listener.begin?.()) : listener
    const listeners = new Set([scoped, tag].filter(isUsageListener))
    if (listeners.size === 0) return
    return (record, problem) => {
      for (const recipient of listeners) guarded(() => recipient.record(record))
      if (!problem || reportedProblems.has(problem)) return
      reportedProblems.add(problem)
      guarded(() =>
        onDiagnostic(problem === 'missing' ? missingUsageMessage(record, askForUsage === true) : impossibleUsageMessage(record)),
      )
    }
  }
}

const isUsageListener = (tag: unknown): tag is UsageListener => typeof (Object(tag) as Partial<UsageListener>).record === 'function'

function missingUsageMessage({ url }: UsageRecord, wasRequested: boolean): string {
  const fix = wasRequested
    ? 'It was requested, but the server does not report it.'
    : 'Request it: stream_options: { include_usage: true }, or meter(fetch, target, { askForUsage: true }).'
  return `A stream from ${url} had no usage, so its cost is unknown. ${fix} Further streams are not reported.`
}

const impossibleUsageMessage = ({ url }: UsageRecord): string =>
  `An answer from ${url} has impossible usage: left out. Counts are whole numbers of 0 or more. Further answers are not reported.`

// biome-ignore lint/suspicious/noConsole: the default of onDiagnostic
const warnOnConsole = (message: string): void => console.warn(message)
