import { createRefusal } from './body.ts'

/** `true` allows a call, `false` denies it. A Response denies it and is sent to the caller. */
export type GuardResult = boolean | Response

/** Decides who may call, and how often. */
export interface Guards<Env> {
  /**
   * Whether this caller may call. If denied, the status is 401 for a request without credentials (no `authorization` header, no cookie),
   * else 403.
   */
  access?(request: Request, env: Env): GuardResult | Promise<GuardResult>
  /** Whether this caller may call now. `false` responds with 429 and `Retry-After: 60`; a number is another `Retry-After`, in s. */
  rateLimit?(request: Request, env: Env): GuardResult | number | Promise<GuardResult | number>
}

/** Returns the response of the guard that denies the call; undefined if it is allowed. */
export async function checkGuards<Env>({ access, rateLimit }: Guards<Env>, request: Request, env: Env): Promise<Response | undefined> {
  // A guard that returns undefined denies the call.
  const allowed = access ? await access(request, env) : true
  if (allowed instanceof Response) return allowed
  if (!allowed) {
    const hasCredentials = request.headers.has('authorization') || request.headers.has('cookie')
    return hasCredentials
      ? createRefusal(403, 'Forbidden.').refusal
      : createRefusal(401, 'Missing credentials: send an Authorization header.', { 'www-authenticate': 'Bearer' }).refusal
  }
  const limit = rateLimit ? await rateLimit(request, env) : true
  if (limit === true) return undefined
  if (limit instanceof Response) return limit
  const seconds = Math.ceil(limit as number) || 60
  return createRefusal(429, `Too many requests: retry after ${seconds} s.`, { 'retry-after': `${seconds}` }).refusal
}
