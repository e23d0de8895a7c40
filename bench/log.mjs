// Measures a log in IndexedDB, in Chromium: node scripts/run.mjs node bench/log.mjs [--rounds 5] [--page log-sealed]
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { launchChromium } from '../scripts/chromium.mjs'
import { entries } from '../scripts/entries.mjs'
import { root } from '../scripts/support.mjs'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, page: { type: 'string', default: 'log' } } })
const rounds = Number(values.rounds)
if (!(rounds > 0)) throw new Error('--rounds must be a number of at least 1.')

const { outputFiles } = await build({
  entryPoints: [{ in: join(root, `bench/lib/${values.page}-page.ts`), out: 'page' }],
  alias: Object.fromEntries(entries.map(({ name, source }) => [name, join(root, source)])),
  outdir: root,
  bundle: true,
  minify: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  write: false,
})
const files = new Map(outputFiles.map(({ path, text }) => [path.slice(root.length), text]))
// Several hundred KB of English text, for pages that request it.
files.set(
  '/text',
  ['architecture', 'edge', 'porting', 'tokens'].map((name) => readFileSync(join(root, `docs/${name}.md`), 'utf8')).join('\n'),
)

// A database belongs to an origin, and a page without a URL has none.
const server = createServer(({ url = '' }, response) => {
  const file = files.get(url)
  response.setHeader('content-type', file === undefined ? 'text/html' : 'text/javascript').end(file ?? '<!doctype html>')
}).listen(0, '127.0.0.1')
await once(server, 'listening')
const address = server.address()
const port = typeof address === 'object' ? address?.port : undefined

const browser = await launchChromium()
try {
  const page = await browser.newPage()
  await page.goto(`http://127.0.0.1:${port}/`)
  /** @type {readonly import('./lib/measure.ts').Figure[]} */
  const figures = await page.evaluate(async (rounds) => {
    const file = '/page.js'
    const { measure } = await import(file)
    return measure(rounds)
  }, rounds)
  console.log(`Chromium ${browser.version()}`)
  for (const { what, value, error, unit, budget } of figures) {
    const shown = [value, error ?? 0].map((number) => number.toLocaleString('en', { maximumSignificantDigits: 3 }))
    console.log(
      `${what}: ${shown[0]}${error === undefined ? '' : ` ± ${shown[1]}`} ${unit}${budget === undefined ? '' : ` (budget ${budget.toLocaleString('en')})`}`,
    )
  }
} finally {
  await browser.close()
  server.close()
}
