import type { RunOptions } from '../core/options.ts'
import { Runnable } from '../core/runnable.ts'
import { callOf } from './request.ts'
import { type Context, toResponse } from './response.ts'

/** Options of {@link serve}. */
export interface ServeOptions {
  /** The largest body that is read, in bytes. Default 1 MB. */
  readonly maxBytes?: number
  /** Handlers that hear every call, on the server. */
  readonly callbacks?: RunOptions['callbacks']
}

type Served = Runnable<never, unknown, unknown>

/**
 * A whole `fetch` handler of a chain: `POST { "input": … }` is answered with the run's events as they happen, or with its bare text
 * where the caller accepts `text/plain` alone. What is wrong with a request is said with a 4xx and `{ "error": … }`.
 *
 * @example
 * export default { fetch: serve((env: Env) => prompt.pipe(new ChatAnthropic({ apiKey: env.ANTHROPIC_API_KEY })).pipe(new StringOutputParser())) }
 */
export function serve<Env = unknown>(
  chain: Served | ((env: Env, request: Request) => Served),
  { maxBytes = 1_048_576, callbacks = [] }: ServeOptions = {},
): (request: Request, env: Env, ctx?: Context) => Promise<Response> {
  return async (request, env, ctx) => {
    const call = await callOf(request, maxBytes)
    if ('refusal' in call) return call.refusal
    const served = chain instanceof Runnable ? chain : chain(env, request)
    const options: RunOptions = { ...call.options, callbacks }
    const shared = { request, ...(ctx && { ctx }) }
    if (!wantsText(request)) return toResponse(served.events(call.input as never, options), shared)
    return toResponse(served.stream(call.input as never, options), { ...shared, format: 'text' })
  }
}

const wantsText = ({ headers }: Request): boolean => /^\s*text\/plain\b/i.test(headers.get('accept') ?? '')
