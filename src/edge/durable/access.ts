import { checkGuards } from '../request/guard.ts'
import { idempotencyCookie, sha256Hex } from './idempotency.ts'

/** The run that a request wants to read or stop: an argument of {@link Access}. */
export interface OwnedRun {
  /** The run's id. */
  readonly id: string
  /** The string that `access` returned when the run was started; undefined if it returned `true`. */
  readonly owner: string | undefined
}

/**
 * Decides who may start a run (then `run` is undefined), and who may read or stop one. A returned string identifies the caller: the caller
 * owns the runs started so, and only a caller with the same string may read or stop them.
 *
 * @example
 * const users = new Map([['Bearer a-secret-token', 'ada']])
 * const access: Access<unknown> = (request) => users.get(request.headers.get('authorization') ?? '')
 */
export type Access<Env> = (request: Request, env: Env, run?: OwnedRun) => AccessAnswer | Promise<AccessAnswer>

/** A string identifies the caller, `true` allows the request, a Response is sent to the caller, anything else denies the request. */
export type AccessAnswer = string | boolean | Response | undefined

/** Who started a run: the string returned by `access`, or hashes of the credentials of the request that started it. */
export interface RunOwner {
  readonly owner?: string
  readonly keys?: readonly string[]
}

const RUN_COOKIE_NAME = 'chaintap-run'
/** 400 days, in s, the longest that browsers store a cookie (RFC 6265bis §5.5). */
const MAX_COOKIE_AGE_S = 34_560_000

/** Returns the owner of a new run and the headers of its response, or the response that denies it. */
export async function authorizeStart<Env>(
  access: Access<Env> | undefined,
  request: Request,
  env: Env,
  cookie: { readonly path: string; readonly ms: number },
): Promise<{ readonly owner: RunOwner; readonly headers: Record<string, string> } | { readonly refusal: Response }> {
  if (access) {
    const owner = await access(request, env)
    const refusal = await checkGuards({ access: () => (owner instanceof Response ? owner : !!owner) }, request, env)
    return refusal ? { refusal } : { owner: typeof owner === 'string' ? { owner } : {}, headers: {} }
  }
  const secret = (await idempotencyCookie(request)) ?? crypto.randomUUID()
  const secure = new URL(request.url).protocol === 'https:' ? '; Secure' : ''
  // Limited to the path of this run, so that concurrent runs do not overwrite each other's cookies.
  const maxAge = Math.min(Math.ceil(cookie.ms / 1000), MAX_COOKIE_AGE_S)
  // A semicolon would begin another attribute, e.g. a Domain chosen by the caller. No other character of a URL's path can.
  const path = cookie.path.replaceAll(';', '%3B')
  const value = `${RUN_COOKIE_NAME}=${secret}; Path=${path}; Max-Age=${maxAge}; HttpOnly; SameSite=Lax${secure}`
  const keys = await Promise.all([secret, ...authorizationValues(request)].map(sha256Hex))
  return { owner: { keys }, headers: { 'set-cookie': value } }
}

/** Whether a request may read or stop a run. A Response returned by `access` is returned. */
export async function authorizeRun<Env>(
  access: Access<Env> | undefined,
  request: Request,
  env: Env,
  { id, owner, keys = [] }: RunOwner & { readonly id: string },
): Promise<boolean | Response> {
  if (access) {
    const caller = await access(request, env, { id, owner })
    if (caller instanceof Response) return caller
    return typeof caller === 'string' ? caller !== '' && caller === owner : caller === true
  }
  const derived = (await idempotencyCookie(request)) ?? []
  const presented = await Promise.all([...runCookieValues(request), ...authorizationValues(request), derived].flat().map(sha256Hex))
  return presented.some((key) => keys.includes(key))
}

const authorizationValues = ({ headers }: Request): readonly string[] => [headers.get('authorization') ?? []].flat()

const runCookieValues = ({ headers }: Request): readonly string[] =>
  (headers.get('cookie') ?? '')
    .split(/;\s*/)
    .flatMap((pair) => (pair.startsWith(`${RUN_COOKIE_NAME}=`) ? [pair.slice(RUN_COOKIE_NAME.length + 1)] : []))
