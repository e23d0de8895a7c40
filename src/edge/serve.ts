import { continuedMessageId } from '../ai-sdk/continued-message.ts'
import type { EventFilter } from '../core/handler/filter.ts'
import type { RunOptions } from '../core/options.ts'
import { errorMessage } from '../core/util/error-message.ts'
import { createRefusal } from './request/body.ts'
import { type CorsOptions, corsHeaders, isPreflight, preflightResponse, withHeaders } from './request/cors.ts'
import { checkGuards, type Guards } from './request/guard.ts'
import { type ParsedRequest, type ParseRequestOptions, parseRequest } from './request/parse-request.ts'
import { type ChainOrFactory, resolveChain, type ServedChain } from './request/resolve-chain.ts'
import { createPublicErrorMapper, type ExposeErrors, logFailure } from './response/public-error.ts'
import { textResponse } from './response/text.ts'
import { type Context, type ResponseOptions, toResponse } from './response/to-response.ts'

/** Options of {@link serve}. */
export interface ServeOptions<Env = unknown> extends ParseRequestOptions, Guards<Env> {
  /** Handlers that hear every call, on the server. */
  readonly callbacks?: RunOptions['callbacks']
  /** Pages of other sites that may call. Default: none. */
  readonly cors?: CorsOptions
  /** Which events the formats `events` and `ndjson` tell. Default: all, prompts and what every step made of them included. */
  readonly events?: EventFilter
  /** Whether callers read the messages of errors. Default false. */
  readonly exposeErrors?: ExposeErrors
  /** As {@link ResponseOptions} has it. */
  readonly heartbeatMs?: number
}

/** A `fetch` handler, as a Worker exports it. */
export type FetchHandler<Env> = (request: Request, env: Env, ctx?: Context) => Promise<Response>

/**
 * A whole `fetch` handler of a chain. Four kinds of callers can `POST` to it:
 *
 * - ours, `{ "input": … }`: answered with the run's events as they happen, with its bare text where the caller accepts `text/plain`
 *   before them, or with lines of JSON for `application/x-ndjson`
 * - `useChat` of the AI SDK, as it is
 * - AG-UI's clients (`HttpAgent`, CopilotKit), as they are
 * - OpenAI's clients for chat completions, as they are, with `stream: true` or without
 *
 * What is wrong with a request is said with a 4xx and `{ "error": … }`: method (405), type (415), size (413), form and schema (400),
 * format (406), `access` (401, 403), `rateLimit` (429). Guards are asked before the body is read.
 *
 * @example
 * export default { fetch: serve((env: Env) => prompt.pipe(new ChatAnthropic({ apiKey: env.ANTHROPIC_API_KEY })).pipe(new StringOutputParser())) }
 * @example
 * serve(chain, {
 *   schema: z.object({ animal: z.string().max(100) }),
 *   cors: { origin: 'https://app.example' },
 *   rateLimit: async (request, env) => (await env.LIMITER.limit({ key: request.headers.get('cf-connecting-ip') ?? '' })).success,
 * })
 */
export function serve<Env = unknown>(chain: ChainOrFactory<Env>, options: ServeOptions<Env> = {}): FetchHandler<Env> {
  const { cors } = options
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
    // A method that is wrong needs no guard.
    const refusal = request.method === 'POST' && (await checkGuards(options, request, env))
    if (refusal) return refusal
    const ask = await parseRequest(request, options)
    if ('refusal' in ask) return ask.refusal
    const served = await resolveChain(chain, env, request, ask)
    return await respondWithChain(served, ask, options, { request, ctx, exposeErrors, heartbeatMs })
  } catch (error) {
    // What a guard, a schema or the making of the chain throws.
    if (!exposeErrors) logFailure(error)
    return createRefusal(500, errorMessage(createPublicErrorMapper(exposeErrors)(error))).refusal
  }
}

function respondWithChain(
  served: ServedChain,
  ask: ParsedRequest,
  { callbacks = [], events }: ServeOptions<never>,
  shared: ResponseOptions,
): Response | Promise<Response> {
  const { format, body } = ask
  const input = ask.input as never
  const options: RunOptions = { callbacks }
  if (format === 'text') return textResponse(served.stream(input, options), shared)
  if (format === 'events' || format === 'ndjson') return toResponse(served.events(input, { ...options, ...events }), { ...shared, format })
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

/** On the machine where a Worker is made, what is missing in its configuration is said once. */
async function warnInDevelopment({ url }: Request, ctx: Context | undefined): Promise<void> {
  if (!/^http:\/\/(localhost|127\.0\.0\.1|\[::1\])[:/]/.test(url)) return
  const { doctor } = await import('./doctor.ts')
  const missing = doctor({ ctx }).filter(({ isNote }) => !isNote)
  // biome-ignore lint/suspicious/noConsole: where else does a developer look
  for (const { problem, fix } of missing) console.warn(`chaintap: ${problem} ${fix}`)
}
