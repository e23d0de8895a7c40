// What DESIGN's budgets say, measured: npm run bench [-- --engine node --row wire --rounds 40]
// A run of everything writes bench/results.md; one with a choice of engines or rows only prints.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { root } from '../scripts/support.mjs'
import { bundle } from './lib/bundle.mjs'
import { table, text } from './lib/report.mjs'

/** @typedef {import('./lib/measure.ts').Figure} Figure */
/** @typedef {{ version: string, figures: readonly Figure[] }} Column what one engine gave */

const engines = ['node', 'workerd', 'chromium']

const { values: options } = parseArgs({
  options: {
    engine: { type: 'string', multiple: true },
    row: { type: 'string', multiple: true, default: [''] },
    rounds: { type: 'string', default: '21' },
  },
})

const rounds = Number(options.rounds)
if (!(rounds > 0)) throw new Error('--rounds is a number from 1')

const folder = await mkdtemp(join(tmpdir(), 'chaintap-bench-'))
try {
  const file = join(folder, 'rows.mjs')
  await writeFile(file, await bundle())
  const { rowNames } = await import(pathToFileURL(file).href)
  const chosen = rowNames.filter((/** @type {string} */ row) => options.row.some((start) => row.startsWith(start)))
  if (chosen.length === 0) throw new Error(`--row is the beginning of one of these: ${rowNames.join(', ')}`)
  /** @type {Column[]} */
  const columns = []
  for (const engine of options.engine ?? engines) columns.push(await measured(engine, chosen))
  if (!options.engine && chosen.length === rowNames.length) await writeFile(join(root, 'bench/results.md'), table(columns))
} finally {
  await rm(folder, { recursive: true })
}

/**
 * @param {string} engine
 * @param {readonly string[]} rows
 * @returns {Promise<Column>}
 */
async function measured(engine, rows) {
  /** @type {{ version: string, measure(folder: string, row: string, rounds: number): Promise<readonly Figure[]> }} */
  const { version, measure } = await import(`./engines/${engine}.mjs`)
  console.log(`\n${version}`)
  /** @type {Figure[]} */
  const figures = []
  for (const row of rows) {
    const measured = await measure(folder, row, rounds)
    for (const figure of measured) console.log(text(figure))
    figures.push(...measured)
  }
  return { version, figures }
}
