import { checkGuards } from '../request/guard.ts'
import { idempotencyCookie, sha256Hex } from './idempotency.ts'

/** A run as `access` sees it. */
export interface OwnedRun {
  readonly id: string
  /** What `access` answered when it was started, where that was a string. */
  readonly owner: string | undefined
}

/**
 * Who may start a run (no `run` is given), and who may read or stop one. A string says who asks: the run is theirs, and opens to whoever
 * `access` says the same of. `true` lets in, a Response is answered as it is, anything else refuses.
 */
export type Access<Env> = (request: Request, env: Env, run?: OwnedRun) => AccessAnswer | Promise<AccessAnswer>
export type AccessAnswer = string | boolean | Response | undefined

/** Who started a run: what `access` said, or else hashes of what the starter can show again. */
export interface RunOwner {
  readonly owner?: string
  readonly keys?: readonly string[]
}

const RUN_COOKIE_NAME = 'chaintap-run'
/** 400 days, in s: browsers keep no cookie for longer (RFC 6265bis §5.5). */
const MAX_COOKIE_AGE_S = 34_560_000

/** Whose a new run is, and the headers that go with the answer; or the refusal. */
export async function authorizeStart<Env>(
  access: Access<Env> | undefined,
  request: Request,
  env: Env,
  cookie: { readonly path: string; readonly ms: number },
): Promise<{ readonly owner: RunOwner; readonly headers: Record<string, string> } | { readonly refusal: Response }> {
  if (access) {
    const answer = await access(request, env)
    const refusal = await checkGuards({ access: () => (answer instanceof Response ? answer : !!answer) }, request, env)
    return refusal ? { refusal } : { owner: typeof answer === 'string' ? { owner: answer } : {}, headers: {} }
  }
  const secret = (await idempotencyCookie(request)) ?? crypto.randomUUID()
  const secure = new URL(request.url).protocol === 'https:' ? '; Secure' : ''
  // Of this run's path alone, so that runs side by side do not overwrite one another's.
  const maxAge = Math.min(Math.ceil(cookie.ms / 1000), MAX_COOKIE_AGE_S)
  const value = `${RUN_COOKIE_NAME}=${secret}; Path=${cookie.path}; Max-Age=${maxAge}; HttpOnly; SameSite=Lax${secure}`
  const keys = await Promise.all([secret, ...authorizationValues(request)].map(sha256Hex))
  return { owner: { keys }, headers: { 'set-cookie': value } }
}

/** Whether a run opens to this request; a Response where `access` answers with one. */
export async function authorizeRun<Env>(
  access: Access<Env> | undefined,
  request: Request,
  env: Env,
  { id, owner, keys = [] }: RunOwner & { readonly id: string },
): Promise<boolean | Response> {
  if (access) {
    const answer = await access(request, env, { id, owner })
    if (answer instanceof Response) return answer
    return typeof answer === 'string' ? answer !== '' && answer === owner : answer === true
  }
  const repeated = (await idempotencyCookie(request)) ?? []
  const shown = await Promise.all([...runCookieValues(request), ...authorizationValues(request), repeated].flat().map(sha256Hex))
  return shown.some((key) => keys.includes(key))
}

const authorizationValues = ({ headers }: Request): readonly string[] => [headers.get('authorization') ?? []].flat()

const runCookieValues = ({ headers }: Request): readonly string[] =>
  (headers.get('cookie') ?? '')
    .split(/;\s*/)
    .flatMap((pair) => (pair.startsWith(`${RUN_COOKIE_NAME}=`) ? [pair.slice(RUN_COOKIE_NAME.length + 1)] : []))
