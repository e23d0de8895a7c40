import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { entries } from '../../scripts/entries.mjs'
import { root } from '../../scripts/support.mjs'
import { startWorkerd } from './durable/workerd.mjs'

/** A Worker in a workerd of its own, without wrangler and test runner. */
export interface RunningWorker {
  readonly url: string
  /** Returns the console output so far. */
  readonly output: () => string
  stop(): Promise<void>
}

/** Options of {@link startWorker}. */
export interface WorkerSettings {
  /** Path from the root of the project. */
  readonly source: string
  /** Compatibility flags. Default: enable_request_signal. */
  readonly flags?: readonly string[]
  readonly date?: string
  /** Environment of the Worker. */
  readonly bindings?: Readonly<Record<string, string>>
  /**
   * Path, from the root, of a Worker that replaces Cloudflare behind the binding `AI`, workerd's own code for Workers AI. Also bound as
   * `CLOUD`.
   */
  readonly cloud?: string
}

const alias = Object.fromEntries(entries.map(({ name, source }) => [name, join(root, source)]))

/** Bundles a program into one file for browsers and Workers. */
export async function bundled(source: string): Promise<string> {
  const result = await build({
    entryPoints: [join(root, source)],
    alias,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['workerd', 'worker', 'browser'],
    define: { 'process.env.NODE_ENV': '"production"' },
    jsx: 'automatic',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  })
  return result.outputFiles[0]?.text ?? ''
}

export async function startWorker(settings: WorkerSettings): Promise<RunningWorker> {
  const folder = await mkdtemp(join(tmpdir(), 'chaintap-worker-'))
  await writeFile(join(folder, 'worker.mjs'), await bundled(settings.source))
  if (settings.cloud) await writeFile(join(folder, 'cloud.mjs'), await bundled(settings.cloud))
  await writeFile(join(folder, 'config.capnp'), configOf(settings))
  const { url, output, kill } = await startWorkerd(folder)
  const stop = async (): Promise<void> => {
    await kill()
    await rm(folder, { recursive: true })
  }
  return { url, output, stop }
}

function configOf({ flags = ['enable_request_signal'], date = '2026-09-15', bindings = {}, cloud }: WorkerSettings): string {
  const compatibility = `compatibilityDate = "${date}", compatibilityFlags = [${flags.map((flag) => JSON.stringify(flag)).join()}]`
  const inner = '(name = "fetcher", service = "cloud")'
  const clouds = [
    `(name = "AI", wrapped = (moduleName = "cloudflare-internal:ai-api", innerBindings = [${inner}]))`,
    '(name = "CLOUD", service = "cloud")',
  ]
  const cloudService = `(name = "cloud", worker = (modules = [(name = "cloud", esModule = embed "cloud.mjs")], ${compatibility})),`
  const texts = Object.entries(bindings).map(([name, text]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(text)})`)
  return `using Workerd = import "/workerd/workerd.capnp";
    const config :Workerd.Config = (
      services = [
        (name = "main", worker = (
          modules = [(name = "worker", esModule = embed "worker.mjs")],
          ${compatibility},
          bindings = [${[...texts, ...(cloud ? clouds : [])].join()}],
        )),
        ${cloud ? cloudService : ''}
        (name = "internet", network = (allow = ["public", "private", "local"])),
      ],
      sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
    );`
}

/** A client with its own HTTP code, so that it can disconnect like a closed tab. */
export interface Caller {
  /** Returns everything received. */
  readonly came: () => string
  /** Resolves when this text has been received. */
  until(text: string): Promise<void>
  /** Stops reading without disconnecting. */
  pause(): void
  /** Closes the connection, like a closed tab. */
  leave(): void
  /** Resets the connection. */
  reset(): void
}

/** Sends a POST request. */
export function callBy(url: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Caller {
  const { hostname, port, pathname, host } = new URL(url)
  const json = JSON.stringify(body)
  const head = { host, 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(json)), ...headers }
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}`)
  let came = ''
  const socket: Socket = connect(Number(port), hostname, () => socket.write([`POST ${pathname} HTTP/1.1`, ...lines, '', json].join('\r\n')))
  socket.on('data', (data) => (came += String(data)))
  socket.on('error', () => {})
  return {
    came: () => came,
    async until(text) {
      while (!came.includes(text)) {
        if (socket.destroyed) throw new Error(`The connection ended without ${text}:\n${came}`)
        await Promise.race([once(socket, 'data'), once(socket, 'close')])
      }
    },
    pause: () => socket.pause(),
    leave: () => socket.destroy(),
    reset: () => socket.resetAndDestroy(),
  }
}
