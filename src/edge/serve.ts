import { continuedMessageId } from '../ai-sdk/continued-message.ts'
import { checkCallbacks } from '../core/handler/check-handlers.ts'
import type { EventFilter } from '../core/handler/filter.ts'
import type { RunOptions } from '../core/options.ts'
import { errorMessage } from '../core/util/error-message.ts'
import { createRefusal } from './request/body.ts'
import { type CorsOptions, checkCorsOptions, corsHeaders, isPreflight, preflightResponse, withHeaders } from './request/cors.ts'
import { checkGuards, type Guards } from './request/guard.ts'
import { type ParsedRequest, type ParseRequestOptions, parseRequest } from './request/parse-request.ts'
import { type ChainOrFactory, resolveChain, type ServedChain } from './request/resolve-chain.ts'
import { MessageMask } from './response/message-mask.ts'
import { createPublicErrorMapper, type ExposeErrors, logFailure } from './response/public-error.ts'
import { textResponse } from './response/text.ts'
import { type Context, type ResponseOptions, toResponse, toStreamedResponse } from './response/to-response.ts'

/** Options of {@link serve}. */
export interface ServeOptions<Env = unknown> extends ParseRequestOptions, Guards<Env> {
  /** Handlers on the server that receive the events of every run. */
  readonly callbacks?: RunOptions['callbacks']
  /**
   * Which pages of other origins may call.
   *
   * @defaultValue none
   */
  readonly cors?: CorsOptions
  /**
   * Which events the formats `events` and `ndjson` contain.
   *
   * @defaultValue all, including prompts and the output of every step
   */
  readonly events?: EventFilter
  /**
   * Whether callers receive error messages, those included that failed tools give to a model.
   *
   * @defaultValue false
   */
  readonly exposeErrors?: ExposeErrors
  /**
   * Interval of the comments that keep proxies from closing a silent stream, in ms. 0 for none.
   *
   * @defaultValue 15,000
   */
  readonly heartbeatMs?: number
}

/** A `fetch` handler in the form that a Worker exports. */
export type FetchHandler<Env> = (request: Request, env: Env, ctx?: Context) => Promise<Response>

/**
 * Creates the `fetch` handler of a chain. It answers `POST` requests of four kinds of clients:
 *
 * - `RemoteRunnable` and any client that sends `{ "input": … }`: the response is the run's events, or its text if `Accept` prefers
 *   `text/plain`, or NDJSON for `application/x-ndjson`
 * - `useChat` of the AI SDK, unchanged
 * - AG-UI clients (`HttpAgent`, CopilotKit), unchanged
 * - clients of OpenAI's Chat Completions API, unchanged, with or without `stream: true`
 *
 * An invalid request is refused with a 4xx status and `{ "error": … }`: method (405), content type (415), size (413), a slow body (408), form
 * or schema (400), format (406), `access` (401, 403), `rateLimit` (429). The guards run before the body is read.
 *
 * @param chain A chain, or a function that returns one for each request, e.g. with the API key of `env`.
 * @throws ChaintapError `invalid_options` if `cors` lets any page call with cookies, or one of the `callbacks` is no handler
 * @example
 * export default { fetch: serve((env: { KEY: string }) => prompt.pipe(new ChatAnthropic({ apiKey: env.KEY })).pipe(new StringOutputParser())) }
 * @example
 * serve(chain, {
 *   schema: { type: 'string', maxLength: 100 },
 *   cors: { origin: 'https://app.example' },
 *   rateLimit: (request) => !request.headers.get('user-agent')?.includes('bot'),
 * })
 */
export function serve<Env = unknown>(chain: ChainOrFactory<Env>, options: ServeOptions<Env> = {}): FetchHandler<Env> {
  const { cors, callbacks } = options
  checkCorsOptions(cors)
  checkCallbacks(callbacks)
  let isNew = true
  return async (request, env, ctx) => {
    if (isNew) {
      isNew = false
      await warnInDevelopment(request, ctx)
    }
    if (!cors) return handleRequest(chain, options, request, env, ctx)
    const response = isPreflight(request) ? preflightResponse(request, cors) : await handleRequest(chain, options, request, env, ctx)
    return withHeaders(response, corsHeaders(request, cors))
  }
}

async function handleRequest<Env>(
  chain: ChainOrFactory<Env>,
  options: ServeOptions<Env>,
  request: Request,
  env: Env,
  ctx: Context | undefined,
): Promise<Response> {
  const { exposeErrors, heartbeatMs } = options
  try {
    // Other methods are refused with 405 without running the guards.
    const refusal = request.method === 'POST' && (await checkGuards(options, request, env))
    if (refusal) return refusal
    const parsed = await parseRequest(request, options)
    if ('refusal' in parsed) return parsed.refusal
    const served = await resolveChain(chain, env, request, parsed)
    return await respondWithChain(served, parsed, options, { request, ctx, exposeErrors, heartbeatMs })
  } catch (error) {
    // Thrown by a guard, a schema or the function that returns the chain.
    if (!exposeErrors) logFailure(error)
    return createRefusal(500, errorMessage(createPublicErrorMapper(exposeErrors)(error))).refusal
  }
}

function respondWithChain(
  served: ServedChain,
  parsed: ParsedRequest,
  { callbacks = [], events }: ServeOptions<never>,
  shared: ResponseOptions,
): Response | Promise<Response> {
  const { format, body } = parsed
  const input = parsed.input as never
  const options: RunOptions = { callbacks }
  if (format === 'text') return textResponse(served.stream(input, options), shared)
  if (format === 'events' || format === 'ndjson') {
    const mask = new MessageMask(shared.exposeErrors)
    const run = served.events(input, { ...events, callbacks: mask.extend(callbacks, events) })
    return toStreamedResponse(run, { ...shared, format, mask })
  }
  const run = served.events(input, options)
  if (format === 'ui-message') return toResponse(run, { ...shared, format, messageId: continuedMessageId(body.messages) })
  if (format === 'ag-ui') {
    const { threadId, runId } = body as { readonly threadId: string; readonly runId: string }
    return toResponse(run, { ...shared, format, agUi: { threadId, runId } })
  }
  const { model, stream, stream_options } = body
  const openai = {
    ...(typeof model === 'string' && { model }),
    includeUsage: (stream_options as { include_usage?: unknown } | null | undefined)?.include_usage === true,
  }
  if (stream === true) return toResponse(run, { ...shared, format, openai })
  return import('./formats/openai-completion.ts').then(({ openaiCompletion }) => openaiCompletion(run, { ...shared, openai }))
}

/** Warns on localhost about a Worker's configuration. */
async function warnInDevelopment({ url }: Request, ctx: Context | undefined): Promise<void> {
  if (!/^http:\/\/(localhost|127\.0\.0\.1|\[::1\])[:/]/.test(url)) return
  const { doctor } = await import('./doctor.ts')
  const findings = doctor({ ctx }).filter(({ isNote }) => !isNote)
  // biome-ignore lint/suspicious/noConsole: a warning for the developer
  for (const { problem, fix } of findings) console.warn(`chaintap: ${problem} ${fix}`)
}
