import type { Plugin } from 'vite'

/** Where the test server redirects every request, and where it counts the requests that were redirected. */
export const REDIRECT_PATH = '/redirect-of-a-test'

/**
 * Answers requests for `/redirect-of-a-test/<id>/<status>` with a redirect to `/redirect-of-a-test/<id>/target`, and requests for
 * `/redirect-of-a-test/<id>/count` with the number of requests that reached the target. What follows the status is ignored.
 */
export function redirects(): Plugin {
  const counts = new Map<string, number>()
  return {
    name: 'chaintap:redirects',
    configureServer({ middlewares }) {
      middlewares.use(REDIRECT_PATH, (request, response) => {
        const [, id = '', what = ''] = (request.url ?? '').split(/[/?]/)
        const count = counts.get(id) ?? 0
        if (what === 'count') return response.end(String(count))
        if (what === 'target') {
          counts.set(id, count + 1)
          return response.end('{}')
        }
        request.resume()
        response.writeHead(Number(what), { location: `${REDIRECT_PATH}/${id}/target` }).end()
      })
    },
  }
}
