// Measures the start of a Worker: processor time until a workerd with one library has answered its first request.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { titles } from './titles.mjs'

/** @type {string} */
const workerd = createRequire(import.meta.url)('workerd').default

const what = "processor's time over an empty Worker, until its first answer"

/**
 * @param {import('./bundle.mjs').Task} task
 * @param {string} compatibilityDate
 * @returns {Promise<readonly import('./measure.ts').Figure[]>}
 */
export async function measureColdStart({ folder, row, rounds, libraries }, compatibilityDate) {
  // Only Linux provides the processor time of a process in /proc.
  if (!existsSync('/proc/self/schedstat')) return []
  const { shortAnswer, median } = await import(pathToFileURL(join(folder, 'rows.mjs')).href)
  const config = (/** @type {string} */ name, /** @type {string} */ worker, /** @type {string} */ library = '') =>
    configured(folder, name, { worker, library, compatibilityDate })
  const empty = await config('empty', 'export default { fetch: () => new Response() }')
  /** @type {{ library: typeof libraries[number], config: string, ms: number[] }[]} */
  const starts = []
  for (const library of libraries) {
    const worker = asking(library.file, await shortAnswer(library.wire))
    starts.push({ library, config: await config(`cold-${starts.length}`, worker, library.file), ms: [] })
  }
  for (let round = 0; round < rounds; round++) {
    const without = await processorMs(empty)
    for (const { config, ms } of starts) ms.push((await processorMs(config)) - without)
  }
  return starts.map(({ library: { name, wire }, ms }) => {
    const value = { ...median(ms), unit: 'ms' }
    if (row !== 'cold') return { table: `${titles[wire]}: cold start`, what, library: name, ...value }
    return { what: `cold start of ${name}: ${what}`, ...value, ...(name === 'chaintap' && { budget: 5 }) }
  })
}

/**
 * Returns a Worker that sends a request with a library, over a fetch that has the answer. @param {string} library @param {string} answer
 */
const asking = (library, answer) => `
  import library from '${library}'
  const headers = { 'content-type': 'text/event-stream' }
  const client = library(async () => new Response(${JSON.stringify(answer)}, { headers }))
  export default { fetch: async () => new Response(await client.invoke()) }`

/**
 * @param {string} folder
 * @param {string} name
 * @param {{ worker: string, library: string, compatibilityDate: string }} parts
 * @returns {Promise<string>} the path of the configuration file
 */
async function configured(folder, name, { worker, library, compatibilityDate }) {
  await writeFile(join(folder, `${name}-worker.mjs`), worker)
  const modules = [['worker', `${name}-worker.mjs`], ...(library === '' ? [] : [[library, library]])]
  const config = `using Workerd = import "/workerd/workerd.capnp";
    const config :Workerd.Config = (
      services = [(name = "main", worker = (
        modules = [${modules.map(([module, file]) => `(name = "${module}", esModule = embed "${file}")`).join()}],
        compatibilityDate = "${compatibilityDate}"
      ))],
      sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
    );`
  const file = join(folder, `${name}.capnp`)
  await writeFile(file, config)
  return file
}

/** Returns the processor time of all threads of a workerd until its first response. @param {string} config */
async function processorMs(config) {
  const child = spawn(workerd, ['serve', config, '--control-fd=3'], { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] })
  const closed = once(child, 'close')
  try {
    const [listening] = await once(/** @type {import('node:stream').Readable} */ (child.stdio[3]), 'data')
    const { port } = JSON.parse(String(listening).split('\n')[0] ?? '')
    const response = await fetch(`http://127.0.0.1:${port}/`)
    if (!response.ok) throw new Error(await response.text())
    await response.text()
    const threads = readdirSync(`/proc/${child.pid}/task`)
    const ns = threads.map((thread) => Number(readFileSync(`/proc/${child.pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]))
    return ns.reduce((sum, each) => sum + each, 0) / 1e6
  } finally {
    child.kill()
    await closed
  }
}
