import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { build } from 'esbuild'
import { entries } from '../../scripts/entries.mjs'
import { root } from '../../scripts/support.mjs'

export interface PageSite {
  /** Without a trailing slash. */
  readonly url: string
  close(): void
}

/** The response to a POST. Default: 200 without a body. */
export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** `/` is a page with the script `client`, `/name` one with the script of that name, any other an empty one. `take` receives what pages POST. */
export async function startPageSite(
  scripts: Readonly<Record<string, string>>,
  take: (url: URL, body: string) => Answer | undefined,
): Promise<PageSite> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '', 'http://site')
    if (request.method === 'POST') {
      const { status = 200, headers = {} } = take(url, await text(request)) ?? {}
      response.writeHead(status, headers).end()
      return
    }
    const [, name = 'client', isScript] = /^\/([^.]+)?(\.js)?$/.exec(url.pathname) ?? []
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    const script = scripts[name]
    response.end(isScript ? script : `<!doctype html>${script === undefined ? '' : `<script type="module" src="/${name}.js"></script>`}`)
  }
  const server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close(): void {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Bundles a script and its imports for a page. */
export async function bundled(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(root, entry)],
    alias: Object.fromEntries(entries.map(({ name, source }) => [name, join(root, source)])),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  })
  return outputFiles[0]?.text ?? ''
}
