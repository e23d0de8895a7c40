import { ChaintapError } from '../../core/errors.ts'
import { checkCallbacks } from '../../core/handler/check-handlers.ts'
import { createRefusal } from '../request/body.ts'
import { type CorsOptions, checkCorsOptions, corsHeaders, isPreflight, preflightResponse, withHeaders } from '../request/cors.ts'
import { checkGuards, type Guards } from '../request/guard.ts'
import type { ChainOrFactory } from '../request/resolve-chain.ts'
import { GENERIC_ERROR_MESSAGE, logFailure } from '../response/public-error.ts'
import { INVALID_KEY_MESSAGE, runIdForRequest } from './idempotency.ts'
import { DurableRun } from './object.ts'
import type { DurableOptions } from './options.ts'
import type { DurableContext, DurableNamespace } from './platform.ts'

export type { Guards } from '../request/guard.ts'
export type { ParseRequestOptions } from '../request/parse-request.ts'
export type { ChainOrFactory as DurableChain, ServedChain } from '../request/resolve-chain.ts'
export type { Access, AccessAnswer, OwnedRun } from './access.ts'
export type { DurableRun } from './object.ts'
export type { DurableLimits, DurableOptions } from './options.ts'
export type { DurableContext, DurableNamespace, DurableStorage } from './platform.ts'

/** A Durable Object class for a Worker to export. The platform creates its instances. */
export type DurableClass<Env> = new (context: DurableContext, env: Env) => DurableRun<Env>

/**
 * Creates the class of a Durable Object that executes a run of a chain and stores its events, so that the run continues without readers.
 * Each object executes one run, and its name is the run's id. It requires SQLite (`new_sqlite_classes`) and {@link serveDurable} in front.
 *
 * @param chain A chain, or a function that returns one for each run, e.g. with the API key of `env`.
 * @throws ChaintapError `invalid_options` if one of the `callbacks` is no handler
 * @example
 * export const Chat = durable((env: { KEY: string }) => prompt.pipe(new ChatAnthropic({ apiKey: env.KEY })).pipe(new StringOutputParser()))
 */
export function durable<Env = unknown>(chain: ChainOrFactory<Env>, options: DurableOptions<Env> = {}): DurableClass<Env> {
  checkCallbacks(options.callbacks)
  return class extends DurableRun<Env> {
    constructor(context: DurableContext, env: Env) {
      super(context, env, chain, options)
    }
  }
}

/**
 * Options of {@link serveDurable}. `rateLimit` is called for every request, also for those that read or stop a run, before an object is
 * created.
 */
export interface ServeDurableOptions<Env> extends Pick<Guards<Env>, 'rateLimit'> {
  /**
   * Which pages of other origins may call.
   *
   * @defaultValue none
   */
  readonly cors?: CorsOptions
}

const MISSING_BINDING_MESSAGE = `serveDurable() received no binding. Add to wrangler.toml, for a class exported as Chat:

[[durable_objects.bindings]]
name = "CHAT"
class_name = "Chat"

[[migrations]]
tag = "v1"
new_sqlite_classes = ["Chat"]`

/** Matches a run's id and an action at the end of a path. The form of ids is known, so any path may precede them. */
const runPathPattern = /\/([\da-f]{8}-[\da-f]{4}-[78][\da-f]{3}-[\da-f]{4}-[\da-f]{12})(\/stop|\/status)?\/?$/

/**
 * Creates the `fetch` handler in front of a {@link durable} class. It may be mounted at any path of the Worker:
 *
 * - `POST /` with `{ "input": … }` starts a run and streams its events, as `serve` does. The header `x-chaintap-run` is the run's id.
 *   Repeated with the same `Idempotency-Key`, the request starts no second run: it streams the first run from its first event
 * - `GET /:id` streams the events after `Last-Event-ID` or `?after=`, then follows the run. Without either it streams all events
 * - `POST /:id/stop` with `content-type: application/json` stops the run with `UserStop`, which ends the model's call, then responds like
 *   `status`
 * - `GET /:id/status` responds with `{ id, status, startedAt, endedAt?, events, usage?, error? }`; `status` is `running` or that of the
 *   outcome
 *
 * An invalid request is refused with a 4xx status and `{ "error": … }`, as `serve` does. An unknown run, or one of another caller, is 404.
 * If the object cannot be reached, the status is 503 with `Retry-After`. Event streams end with `event: outcome`; one without it was cut
 * off.
 *
 * @param namespace Returns the binding of the class.
 * @throws ChaintapError `invalid_options` if `cors` lets any page call with cookies, and when a request is handled without the binding
 * @example
 * export default { fetch: serveDurable((env: { CHAT: DurableNamespace }) => env.CHAT) }
 */
export function serveDurable<Env = unknown>(
  namespace: (env: Env) => DurableNamespace | undefined,
  { cors, rateLimit }: ServeDurableOptions<Env> = {},
): (request: Request, env: Env) => Promise<Response> {
  checkCorsOptions(cors)
  const checkRateLimit = (request: Request, env: Env): Promise<Response | undefined> =>
    checkGuards(rateLimit ? { rateLimit } : {}, request, env).catch((error: unknown) => {
      logFailure(error)
      return createRefusal(500, GENERIC_ERROR_MESSAGE).refusal
    })
  const handleRequest = async (request: Request, env: Env): Promise<Response> => {
    const url = new URL(request.url)
    const path = url.pathname.replace(/\/$/, '')
    const [, runId, action] = runPathPattern.exec(path) ?? []
    const method = runId && action !== '/stop' ? 'GET' : 'POST'
    if (request.method !== method)
      return createRefusal(405, `Method ${request.method} is not allowed: use ${method}.`, { allow: method }).refusal
    const objects = namespace(env)
    if (!objects) throw new ChaintapError('invalid_options', MISSING_BINDING_MESSAGE)
    // Before an object is created: anyone can make up ids.
    const refusal = await checkRateLimit(request, env)
    if (refusal) return refusal
    try {
      const id = runId ?? (await runIdForRequest(request))
      if (!id) return createRefusal(400, INVALID_KEY_MESSAGE).refusal
      url.pathname = runId ? path : `${path}/${id}/start`
      return await objects.getByName(id).fetch(new Request(url, request))
    } catch (error) {
      // DurableRun.fetch catches its own errors. This one is the platform's, e.g. the object is overloaded or being replaced.
      logFailure(error)
      return createRefusal(503, 'The run cannot be reached at the moment. Retry.', { 'retry-after': '1' }).refusal
    }
  }
  return async (request, env) => {
    if (!cors) return handleRequest(request, env)
    const response = isPreflight(request) ? preflightResponse(request, cors) : await handleRequest(request, env)
    return withHeaders(response, { ...corsHeaders(request, cors), 'access-control-expose-headers': 'x-chaintap-run, retry-after' })
  }
}
