import { ChaintapError } from '../../core/errors.ts'
import { createRefusal } from '../request/body.ts'
import { type CorsOptions, corsHeaders, isPreflight, preflightResponse, withHeaders } from '../request/cors.ts'
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

/** A class for a Worker to export; the platform makes its objects. */
export type DurableClass<Env> = new (context: DurableContext, env: Env) => DurableRun<Env>

/**
 * The class of a Durable Object that does a run of a chain and stores its events, so that the run survives whoever reads it. One object
 * does one run, and has the run's id as its name. It needs SQLite (`new_sqlite_classes`), and {@link serveDurable} before it.
 *
 * @example
 * export const Chat = durable((env: Env) => prompt.pipe(new ChatAnthropic({ apiKey: env.ANTHROPIC_API_KEY })).pipe(new StringOutputParser()))
 */
export function durable<Env = unknown>(chain: ChainOrFactory<Env>, options: DurableOptions<Env> = {}): DurableClass<Env> {
  return class extends DurableRun<Env> {
    constructor(context: DurableContext, env: Env) {
      super(context, env, chain, options)
    }
  }
}

/** Options of {@link serveDurable}. */
export interface ServeDurableOptions<Env> extends Pick<Guards<Env>, 'rateLimit'> {
  /** Pages of other sites that may call. Default: none. */
  readonly cors?: CorsOptions
}

const MISSING_BINDING_MESSAGE = `serveDurable() was given no binding. Write to wrangler.toml, for a class that is exported as Chat:

[[durable_objects.bindings]]
name = "CHAT"
class_name = "Chat"

[[migrations]]
tag = "v1"
new_sqlite_classes = ["Chat"]`

/** A run's id at the end of a path, and what to do with it. Ids are ours, so any path may stand before them. */
const runPathPattern = /\/([\da-f]{8}-[\da-f]{4}-[78][\da-f]{3}-[\da-f]{4}-[\da-f]{12})(\/stop|\/status)?\/?$/

/**
 * The `fetch` handler before a {@link durable} class, under any path of the Worker:
 *
 * - `POST /` with `{ "input": … }` starts a run and streams its events, as `serve` does; the header `x-chaintap-run` is its id. Repeated with
 *   the same `Idempotency-Key` it starts none, and is answered with the same run from its first event
 * - `GET /:id` streams the events after `Last-Event-ID`, or `?after=`, and those to come; all of them where neither is given
 * - `POST /:id/stop` ends the run with `UserStop`, and the model's call with it; answers as status does
 * - `GET /:id/status` tells `{ id, status, startedAt, endedAt?, events, usage?, error? }`, the status `running` or an outcome's
 *
 * What is wrong is said with a 4xx and `{ "error": … }`, as `serve` does. A run that is not there, or not the caller's, is 404. An object
 * that cannot be reached is 503, to be asked again. All answers with events end with `event: outcome`; one that does not was cut off.
 *
 * @throws ChaintapError `invalid_options` where the binding is missing
 * @example
 * export default { fetch: serveDurable((env: Env) => env.CHAT) }
 */
export function serveDurable<Env = unknown>(
  namespace: (env: Env) => DurableNamespace | undefined,
  { cors, rateLimit }: ServeDurableOptions<Env> = {},
): (request: Request, env: Env) => Promise<Response> {
  const checkRateLimit = (request: Request, env: Env): Promise<Response | undefined> =>
    checkGuards(rateLimit ? { rateLimit } : {}, request, env).catch((error: unknown) => {
      logFailure(error)
      return createRefusal(500, GENERIC_ERROR_MESSAGE).refusal
    })
  const handleRequest = async (request: Request, env: Env): Promise<Response> => {
    const url = new URL(request.url)
    const path = url.pathname.replace(/\/$/, '')
    const [, given, action] = runPathPattern.exec(path) ?? []
    const method = given && action !== '/stop' ? 'GET' : 'POST'
    if (request.method !== method) return createRefusal(405, `Call with ${method}, not ${request.method}.`, { allow: method }).refusal
    const objects = namespace(env)
    if (!objects) throw new ChaintapError('invalid_options', MISSING_BINDING_MESSAGE)
    const refusal = given ? undefined : await checkRateLimit(request, env)
    if (refusal) return refusal
    try {
      const id = given ?? (await runIdForRequest(request))
      if (!id) return createRefusal(400, INVALID_KEY_MESSAGE).refusal
      url.pathname = given ? path : `${path}/${id}/start`
      return await objects.getByName(id).fetch(new Request(url, request))
    } catch (error) {
      // An object answers whatever happens in it: this is the platform's, e.g. where the object is overloaded or just being replaced.
      logFailure(error)
      return createRefusal(503, 'The run cannot be reached just now. Ask again.', { 'retry-after': '1' }).refusal
    }
  }
  return async (request, env) => {
    if (!cors) return handleRequest(request, env)
    const response = isPreflight(request) ? preflightResponse(request, cors) : await handleRequest(request, env)
    return withHeaders(response, { ...corsHeaders(request, cors), 'access-control-expose-headers': 'x-chaintap-run, retry-after' })
  }
}
