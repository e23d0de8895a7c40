import { createRefusal } from './body.ts'

/** Whether a call may go on; a Response is sent as it is. */
export type GuardResult = boolean | Response

/** Who may call, and how often. */
export interface Guards<Env> {
  /** Whether this caller may. False answers 401 where nothing says who calls (no `authorization`, no cookie), else 403. */
  access?(request: Request, env: Env): GuardResult | Promise<GuardResult>
  /** Whether this caller may now. False answers 429, to come again in 60 s; a number says in how many. */
  rateLimit?(request: Request, env: Env): GuardResult | number | Promise<GuardResult | number>
}

/** The refusal of a guard; undefined where the call may go on. */
export async function checkGuards<Env>({ access, rateLimit }: Guards<Env>, request: Request, env: Env): Promise<Response | undefined> {
  // Who forgets to answer has let nobody in.
  const allowed = access ? await access(request, env) : true
  if (allowed instanceof Response) return allowed
  if (!allowed) {
    const isKnown = request.headers.has('authorization') || request.headers.has('cookie')
    return isKnown
      ? createRefusal(403, 'This caller may not.').refusal
      : createRefusal(401, 'Say who calls, by an authorization header.', { 'www-authenticate': 'Bearer' }).refusal
  }
  const inTime = rateLimit ? await rateLimit(request, env) : true
  if (inTime === true) return undefined
  if (inTime instanceof Response) return inTime
  const seconds = Math.ceil(inTime as number) || 60
  return createRefusal(429, `Too many calls: come again in ${seconds} s.`, { 'retry-after': `${seconds}` }).refusal
}
