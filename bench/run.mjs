// What DESIGN's budgets say, measured: npm run bench [-- --engine node --row wire --rounds 40]
// A run of everything writes bench/results.md; one with a choice of engines or rows only prints.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../scripts/support.mjs'
import { bundle } from './lib/bundle.mjs'
import { table, text } from './lib/report.mjs'

/** @typedef {import('./lib/measure.ts').Figure} Figure */
/** @typedef {{ version: string, figures: readonly Figure[] }} Column what one engine gave */

const engines = ['node', 'workerd', 'chromium']
const rows = ['wire-1/chunk', 'wire-16KiB', 'worker-1/chunk', 'worker-16KiB', 'invoke', 'first', 'memory']

const { values: options } = parseArgs({
  options: {
    engine: { type: 'string', multiple: true },
    row: { type: 'string', multiple: true, default: [''] },
    rounds: { type: 'string', default: '21' },
  },
})

const chosen = rows.filter((row) => options.row.some((start) => row.startsWith(start)))
const rounds = Number(options.rounds)
if (chosen.length === 0) throw new Error(`--row is the beginning of one of these: ${rows.join(', ')}`)
if (!(rounds > 0)) throw new Error('--rounds is a number from 1')

const folder = await mkdtemp(join(tmpdir(), 'chaintap-bench-'))
try {
  await writeFile(join(folder, 'rows.mjs'), await bundle())
  /** @type {Column[]} */
  const columns = []
  for (const engine of options.engine ?? engines) columns.push(await measured(engine))
  if (chosen.length === rows.length && columns.length === engines.length) await writeFile(join(root, 'bench/results.md'), table(columns))
} finally {
  await rm(folder, { recursive: true })
}

/** @param {string} engine @returns {Promise<Column>} */
async function measured(engine) {
  /** @type {{ version: string, measure(folder: string, row: string, rounds: number): Promise<readonly Figure[]> }} */
  const { version, measure } = await import(`./engines/${engine}.mjs`)
  console.log(`\n${version}`)
  /** @type {Figure[]} */
  const figures = []
  for (const row of chosen) {
    const measured = await measure(folder, row, rounds)
    for (const figure of measured) console.log(text(figure))
    figures.push(...measured)
  }
  return { version, figures }
}
