/** The options of a request that `sendWithinOrigin` sends. */
export type OriginBoundInit = RequestInit & { readonly method: string; readonly redirect: 'manual' }

/** Creates the error of a redirect that was not followed. `what` contains the target's origin and nothing else of its address. */
export type RefuseRedirect = (what: string, status: number | undefined) => Error

/** The limit of the Fetch Standard. */
const MAX_REDIRECTS = 20

/**
 * Follows redirects within the origin of a request, as `fetch` does. Refuses any other redirect: its target would receive the body and all
 * headers but `authorization` (P11). Browsers hide the target, so all redirects are refused there.
 */
export async function followRedirects(
  first: Response,
  firstUrl: string,
  firstInit: OriginBoundInit,
  send: (url: string, init: OriginBoundInit) => Promise<Response>,
  refuse: RefuseRedirect,
): Promise<Response> {
  let [response, url, init] = [first, firstUrl, firstInit]
  for (let count = 1; isRedirect(response); count++) {
    const { status, headers } = response
    void response.body?.cancel().catch(() => {})
    const own = parseUrl(url, (globalThis as { location?: { href: string } }).location?.href)
    const target = parseUrl(headers.get('location'), own?.href)
    const isOwn = target !== undefined && target.origin === own?.origin && target.origin !== 'null'
    if (!target || !isOwn || count > MAX_REDIRECTS) throw refuse(describeRedirect(target, isOwn), status || undefined)
    // Without a user name, which `fetch` rejects.
    url = target.origin + target.pathname + target.search
    if (status === 303 || (status < 303 && init.method === 'POST')) init = { ...init, method: 'GET', body: null }
    response = await send(url, init)
  }
  return response
}

const isRedirect = ({ type, status, headers }: Response): boolean =>
  (type as string) === 'opaqueredirect' || ([301, 302, 303, 307, 308].includes(status) && headers.has('location'))

function parseUrl(url: string | null, base?: string): URL | undefined {
  try {
    return url === null ? undefined : new URL(url, base)
  } catch {
    // Hidden or invalid.
  }
}

function describeRedirect(target: URL | undefined, isOwn: boolean): string {
  if (!target) return 'redirected the request to an address that is hidden or invalid. It was not followed: it may be another origin'
  if (isOwn) return `redirected the request more than ${MAX_REDIRECTS} times`
  const { origin, protocol } = target
  return `redirected the request to ${origin === 'null' ? protocol : origin}. Another origin must not receive the request's headers and body`
}
