// Runs a program in a workerd of its own, with a real disk and a process that can be killed and restarted.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { build } from 'esbuild'
import { entries } from '../../../scripts/entries.mjs'
import { root } from '../../../scripts/support.mjs'

/** @type {string} */
const workerd = createRequire(import.meta.url)('workerd').default

/**
 * @typedef {object} Workerd
 * @property {string} url
 * @property {number} pid
 * @property {() => string} output what it has written to its console
 * @property {() => Promise<void>} kill ends the process at once, like a power failure
 */

/**
 * Bundles a Worker with Durable Objects, each class bound under its name in capitals, and writes its configuration into the folder.
 * @param {string} entry
 * @param {string} folder also contains the data
 * @param {readonly string[]} classes
 */
export async function buildWorker(entry, folder, classes) {
  await mkdir(join(folder, 'data'), { recursive: true })
  const alias = Object.fromEntries(entries.map(({ name, source }) => [name, join(root, source)]))
  await build({
    entryPoints: [entry],
    outfile: join(folder, 'worker.js'),
    alias,
    external: ['workerd:*'],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    logLevel: 'error',
  })
  const [, compatibility = ''] = /^(compatibility_date = .*)$/m.exec(await readFile(join(root, 'wrangler.toml'), 'utf8')) ?? []
  const list = (/** @type {(name: string) => string} */ line) => classes.map(line).join()
  await writeFile(
    join(folder, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
    const config :Workerd.Config = (
      services = [
        (name = "internet", network = (allow = ["public", "private", "local"])),
        (name = "disk", disk = (path = "${join(folder, 'data')}", writable = true)),
        (name = "main", worker = (
          modules = [(name = "worker", esModule = embed "worker.js")],
          compatibilityDate = ${compatibility.split('=')[1]},
          compatibilityFlags = ["enable_request_signal", "unsafe_module"],
          durableObjectNamespaces = [${list((name) => `(className = "${name}", uniqueKey = "${name}", enableSql = true)`)}],
          durableObjectStorage = (localDisk = "disk"),
          bindings = [${list((name) => `(name = "${name.toUpperCase()}", durableObjectNamespace = "${name}")`)}]
        ))
      ],
      sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
    );`,
  )
}

/**
 * Starts a workerd with the `config.capnp` of a folder.
 * @param {string} folder
 * @returns {Promise<Workerd>}
 */
export async function startWorkerd(folder) {
  const child = spawn(workerd, ['serve', join(folder, 'config.capnp'), '--control-fd=3', '--experimental'], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk))
  const closed = once(child, 'close')
  const control = /** @type {import('node:stream').Readable} */ (child.stdio[3])
  const listening = await Promise.race([once(control, 'data'), closed.then(() => Promise.reject(new Error(`workerd ended:\n${output}`)))])
  const { port } = JSON.parse(String(listening[0]).split('\n')[0] ?? '')
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    output: () => output,
    async kill() {
      child.kill('SIGKILL')
      await closed
    },
  }
}
