import { logFailure } from '../response/public-error.ts'

/** Which pages of other sites may call. */
export interface CorsOptions {
  /** `*` for any, one origin, several, or a function of the caller's. */
  readonly origin: string | readonly string[] | ((origin: string) => boolean)
  /** Whether they may send cookies. Default false. */
  readonly credentials?: boolean
  /** How long a browser remembers that it may, in s. Default 7,200, the most that Chromium takes. */
  readonly maxAge?: number
}

/** The headers that let the caller's page read the answer; without those a browser keeps it back. */
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
      // Such as that of a sandboxed page, "null", which is no URL.
      logFailure(error)
      return false
    }
  }
  return typeof origin === 'string' ? origin === '*' || origin === caller : origin.includes(caller)
}

/** Whether a browser asks if its page may call. */
export const isPreflight = ({ method, headers }: Request): boolean => method === 'OPTIONS' && headers.has('access-control-request-method')

/** The answer to that. Headers are let through as asked for: the SDKs of others have many of their own. */
export function preflightResponse(request: Request, { maxAge = 7_200 }: CorsOptions): Response {
  const asked = request.headers.get('access-control-request-headers') ?? 'content-type'
  const headers = { 'access-control-allow-methods': 'POST', 'access-control-allow-headers': asked, 'access-control-max-age': `${maxAge}` }
  return new Response(null, { status: 204, headers })
}

/** The response with these headers too. */
export function withHeaders(response: Response, headers: Readonly<Record<string, string>>): Response {
  // A response from elsewhere may be frozen.
  const open = new Response(response.body, response)
  for (const [name, value] of Object.entries(headers)) open.headers[name === 'vary' ? 'append' : 'set'](name, value)
  return open
}
