import type { OriginBoundInit, RefuseRedirect } from './redirect.ts'

export type { OriginBoundInit, RefuseRedirect }

/** Sends a request that holds secrets. Redirects are followed within its origin only (P11); any other throws what `refuse` returns. */
export async function sendWithinOrigin(
  url: string,
  init: OriginBoundInit,
  send: (url: string, init: OriginBoundInit) => Promise<Response>,
  refuse: RefuseRedirect,
): Promise<Response> {
  const response = await send(url, init)
  // Browsers report a redirect with status 0.
  if (response.ok || response.status >= 400) return response
  const { followRedirects } = await import('./redirect.ts')
  return followRedirects(response, url, init, send, refuse)
}
