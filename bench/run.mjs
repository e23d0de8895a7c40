// Measures chaintap against its budgets and its peers: npm run bench [-- --engine node --row wire --rounds 40 --no-peers]
// A complete run writes bench/results.md; a run with selected engines or rows only prints.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { root } from '../scripts/support.mjs'
import { bundle, bundleLibrary } from './lib/bundle.mjs'
import { installPeers, librariesOf, peerVersions } from './lib/libraries.mjs'
import { markdown, text } from './lib/report.mjs'

/** @typedef {import('./lib/measure.ts').Figure} Figure */
/** @typedef {{ version: string, figures: readonly Figure[] }} Column the figures of one engine */

const engines = ['node', 'workerd', 'chromium', 'esbuild']

/** Rows, by the ends of their names, that only one engine can measure. The bundler measures no others. */
const only = new Map([
  ['memory', 'node'],
  ['cold', 'workerd'],
  ['size', 'esbuild'],
])
/** Rows that are measured from outside the engine. */
const outside = ['cold', 'peers-anthropic-cold', 'peers-openai-cold', 'peers-anthropic-size', 'peers-openai-size']

const { values: options } = parseArgs({
  allowNegative: true,
  options: {
    engine: { type: 'string', multiple: true },
    row: { type: 'string', multiple: true, default: [''] },
    rounds: { type: 'string', default: '21' },
    peers: { type: 'boolean', default: true },
  },
})

const rounds = Number(options.rounds)
if (!(rounds > 0)) throw new Error('--rounds must be a number of at least 1.')

const folder = await mkdtemp(join(tmpdir(), 'chaintap-bench-'))
try {
  const file = join(folder, 'rows.mjs')
  await writeFile(file, await bundle())
  const { rowNames: inside } = await import(pathToFileURL(file).href)
  const rowNames = [...inside, ...outside]
  const isChosen = (/** @type {string} */ row) =>
    options.row.some((start) => row.startsWith(start)) && (options.peers || !row.startsWith('peers'))
  const chosen = rowNames.filter(isChosen)
  if (chosen.length === 0) throw new Error(`--row must be the beginning of one of these names: ${rowNames.join(', ')}`)
  if (chosen.some((row) => row.startsWith('peers'))) installPeers()
  /** @type {Column[]} */
  const columns = []
  for (const engine of options.engine ?? engines) columns.push(await measured(engine, chosen))
  const isWhole = !options.engine && chosen.length === rowNames.length
  if (isWhole) await writeFile(join(root, 'bench/results.md'), markdown(columns, peerVersions()))
} finally {
  await rm(folder, { recursive: true })
}

/**
 * @param {string} engine
 * @param {readonly string[]} rows
 * @returns {Promise<Column>}
 */
async function measured(engine, rows) {
  /** @type {{ version: string, measure(task: import('./lib/bundle.mjs').Task): Promise<readonly Figure[]> }} */
  const { version, measure } = await import(`./engines/${engine}.mjs`)
  console.log(`\n${version}`)
  /** @type {Figure[]} */
  const figures = []
  for (const row of rows.filter((row) => isFor(row, engine))) {
    const libraries = await bundled(engine, row)
    // Peers are up to ten times slower than the bare loop, so fewer rounds suffice.
    const measured = await measure({ folder, row, rounds: row.startsWith('peers') ? Math.ceil(rounds / 2) : rounds, libraries })
    for (const figure of measured) console.log(text(figure))
    figures.push(...measured)
  }
  return { version, figures }
}

/** @param {string} row @param {string} engine */
function isFor(row, engine) {
  const [, alone] = [...only].find(([ending]) => row.endsWith(ending)) ?? []
  return alone === undefined ? engine !== 'esbuild' : engine === alone
}

/** Bundles the libraries of a row for an engine. @param {string} engine @param {string} row */
async function bundled(engine, row) {
  /** @type {import('./lib/bundle.mjs').Module[]} */
  const modules = []
  for (const library of librariesOf(row)) {
    const file = `${engine}-${library.wire}-${modules.length}.mjs`
    if (engine !== 'esbuild') await bundleLibrary(engine, library.adapter, join(folder, file))
    modules.push({ ...library, file })
  }
  return modules
}
