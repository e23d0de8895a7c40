import { ChaintapError } from '../../core/errors.ts'
import { logFailure } from '../response/public-error.ts'

/** Which pages of other origins may call. */
export interface CorsOptions {
  /**
   * The allowed origins: `*` for any, one origin, several, or a function that decides. With `credentials`, neither `*` nor `null` is
   * accepted, because any page can have them.
   */
  readonly origin: string | readonly string[] | ((origin: string) => boolean)
  /**
   * Whether pages may send cookies.
   *
   * @defaultValue false
   */
  readonly credentials?: boolean
  /**
   * How long a browser caches the preflight response, in s.
   *
   * @defaultValue 7,200, the most that Chromium accepts
   */
  readonly maxAge?: number
}

/**
 * Checks the options when the handler is created.
 *
 * @throws ChaintapError `invalid_options` if they let any page call with the cookies of its visitor: every sandboxed frame has the origin
 *   `null`
 */
export function checkCorsOptions(cors: CorsOptions | undefined): void {
  if (!cors?.credentials || typeof cors.origin === 'function') return
  const open = [cors.origin].flat().find((origin) => origin === '*' || origin === 'null')
  if (open === undefined) return
  throw new ChaintapError(
    'invalid_options',
    `cors allows any page to call with the user's cookies: credentials is true and origin is "${open}". List the origins of your pages, or omit credentials.`,
  )
}

/** Returns the headers that let the caller's page read the response. Without them the browser blocks it. */
export function corsHeaders(request: Request, { origin, credentials }: CorsOptions): Record<string, string> {
  const caller = request.headers.get('origin')
  const isAny = origin === '*' && !credentials
  if (caller === null || !isAllowedOrigin(caller, origin)) return { vary: 'Origin' }
  return {
    'access-control-allow-origin': isAny ? '*' : caller,
    'access-control-expose-headers': 'Retry-After',
    ...(credentials && { 'access-control-allow-credentials': 'true' }),
    ...(!isAny && { vary: 'Origin' }),
  }
}

function isAllowedOrigin(caller: string, origin: CorsOptions['origin']): boolean {
  if (typeof origin === 'function') {
    try {
      return origin(caller)
    } catch (error) {
      // E.g. for the origin "null" of a sandboxed page, which is no URL.
      logFailure(error)
      return false
    }
  }
  return typeof origin === 'string' ? origin === '*' || origin === caller : origin.includes(caller)
}

/** Whether a request is a CORS preflight. */
export const isPreflight = ({ method, headers }: Request): boolean => method === 'OPTIONS' && headers.has('access-control-request-method')

/** Responds to a preflight. Allows every header asked for, because the SDKs of other clients send many of their own. */
export function preflightResponse(request: Request, { maxAge = 7_200 }: CorsOptions): Response {
  const requested = request.headers.get('access-control-request-headers') ?? 'content-type'
  const headers = {
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': requested,
    'access-control-max-age': `${maxAge}`,
  }
  return new Response(null, { status: 204, headers })
}

/** Returns the response with additional headers. */
export function withHeaders(response: Response, headers: Readonly<Record<string, string>>): Response {
  // The headers of a response from `fetch` are immutable.
  const copy = new Response(response.body, response)
  for (const [name, value] of Object.entries(headers)) copy.headers[name === 'vary' ? 'append' : 'set'](name, value)
  return copy
}
