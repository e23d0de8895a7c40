// Measures resumable runs in a real workerd: node scripts/run.mjs node bench/durable.mjs [readers] [runs]; 0 skips a part.
// On Linux its disk is in memory; otherwise the benchmark would measure the machine's disk, by waiting for each commit.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../scripts/support.mjs'
import { buildWorker, startWorkerd } from '../test/support/durable/workerd.mjs'

const [readers = 1000, runs = 1000] = process.argv.slice(2).map(Number)
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'chaintap-durable-bench-'))
const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY })

await buildWorker(join(root, 'bench/lib/durable-worker.ts'), folder, ['Chat'])
try {
  await measured('one run of 1,000 tokens, read by its first client', async (url) => {
    const { id, bytes } = await start(url, 1000)
    const rows = JSON.parse((await ask(`${url}/${id}/rows`)).text)
    console.log(`  ${rows.rows} rows of ${rows.bytes} bytes, ${rows.disk} bytes of disk; ${bytes} bytes sent`)
  })
  await measured('the same with serve, which stores nothing', async (url) => void (await start(`${url}/plain`, 1000)))
  await measured(`${readers} readers of one run of 500 tokens`, async (url) => {
    const [first, whole] = startApart(url, 500)
    const path = `${url}/${await first}`
    const texts = await Promise.all(Array.from({ length: readers }, () => ask(path)))
    const { text } = await whole
    const wrong = texts.filter((answer) => answer.text !== text).length
    const ends = texts.map(({ at }) => at).sort((a, b) => a - b)
    const pieces = texts.reduce((sum, answer) => sum + answer.pieces, 0)
    console.log(
      `  ${wrong} answers differ; ${pieces.toLocaleString('en')} pieces were read; the last reader ended ${ms((ends.at(-1) ?? 0) - (ends[0] ?? 0))} after the first`,
    )
    if (wrong > 0) process.exitCode = 1
  })
  await measured(`${runs} runs of 100 tokens at once`, async (url) => {
    const began = performance.now()
    const answers = await Promise.all(Array.from({ length: runs }, () => start(url, 100)))
    const times = answers.map(({ at }) => at - began).sort((a, b) => a - b)
    const firsts = answers.map(({ first }) => first - began).sort((a, b) => a - b)
    const at = (/** @type {number[]} */ list, /** @type {number} */ part) =>
      ms(list[Math.min(list.length - 1, Math.floor(list.length * part))] ?? 0)
    console.log(
      `  first bytes: half within ${at(firsts, 0.5)}, all ${at(firsts, 1)}; ends: half within ${at(times, 0.5)}, all ${at(times, 1)}`,
    )
  })
  await measured('a history of 10,000 events, read ten times', async (url) => {
    const { id } = await start(url, 4995)
    const began = performance.now()
    for (let time = 0; time < 10; time++) await ask(`${url}/${id}`)
    console.log(`  ${ms((performance.now() - began) / 10)} each`)
  })
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/**
 * Calls `work` with a new workerd, and prints the time and memory of its process.
 * @param {string} what
 * @param {(url: string) => Promise<void>} work
 */
async function measured(what, work) {
  if (what.startsWith('0 ')) return
  const { url, pid, kill } = await startWorkerd(folder)
  try {
    await start(url, 1)
    const before = { ...usage(pid), at: performance.now() }
    console.log(`${what}:`)
    await work(url)
    const after = usage(pid)
    console.log(`  ${ms(performance.now() - before.at)}, of which the processor ${ms(after.cpuMs - before.cpuMs)}`)
    console.log(`  memory ${before.rss} MB before, ${after.peak} MB at most, ${after.rss} MB after`)
  } finally {
    await kill()
  }
}

/** @param {number} time */
function ms(time) {
  return `${Math.round(time).toLocaleString('en')} ms`
}

/** Returns memory and processor time of a process on Linux. @param {number} pid */
function usage(pid) {
  if (!existsSync(`/proc/${pid}/status`)) return { rss: Number.NaN, peak: Number.NaN, cpuMs: Number.NaN }
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const mb = (/** @type {string} */ name) => Math.round(Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024)
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  // In ticks of 10 ms.
  return { rss: mb('VmRSS'), peak: mb('VmHWM'), cpuMs: (Number(fields[11]) + Number(fields[12])) * 10 }
}

/** @param {string} url @param {number} tokens */
function start(url, tokens) {
  return ask(url, JSON.stringify({ input: String(tokens) }))
}

/**
 * Starts a run, and returns a promise of its id, which resolves before the run ends. @param {string} url @param {number} tokens @returns
 * {[Promise<string>, ReturnType<typeof ask>]}
 */
function startApart(url, tokens) {
  /** @type {(id: string) => void} */
  let known = () => {}
  const id = new Promise((/** @type {(id: string) => void} */ resolve) => (known = resolve))
  return [id, ask(url, JSON.stringify({ input: String(tokens) }), known)]
}

/**
 * @param {string} url
 * @param {string} [body]
 * @param {(id: string) => void} [known]
 * @returns {Promise<{ id: string, text: string, bytes: number, pieces: number, first: number, at: number }>}
 */
function ask(url, body, known) {
  return new Promise((resolve, reject) => {
    const options = body ? { agent, method: 'POST', headers: { 'content-type': 'application/json' } } : { agent }
    const asking = request(url, options, (response) => {
      const id = String(response.headers['x-chaintap-run'])
      known?.(id)
      /** @type {Buffer[]} */
      const chunks = []
      let first = 0
      response.on('data', (chunk) => {
        first ||= performance.now()
        chunks.push(chunk)
      })
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const isWhole = url.endsWith('/rows') || text.includes('event: outcome\ndata: {"status":"complete"')
        if (response.statusCode !== 200 || !isWhole) return reject(new Error(`${response.statusCode} ${url}: ${text.slice(-300)}`))
        resolve({ id, text, bytes: text.length, pieces: chunks.length, first, at: performance.now() })
      })
    })
    asking.on('error', reject)
    asking.end(body)
  })
}
