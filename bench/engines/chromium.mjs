import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium } from 'playwright'
import { onPath } from '../../scripts/support.mjs'

/** @typedef {import('../lib/measure.ts').Figure} Figure */

// The first two let root run it without a screen; the rest keep it off the network.
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const executablePath = onPath('chromium')
const launch = () => chromium.launch({ ...(executablePath !== undefined && { executablePath }), args })

const browser = await launch()
export const version = `Chromium ${browser.version()}`
await browser.close()

/**
 * A browser of its own for each row: none runs in what another has warmed.
 * @param {import('../lib/bundle.mjs').Task} task
 * @returns {Promise<readonly Figure[]>}
 */
export async function measure({ folder, row, rounds, libraries }) {
  const source = (/** @type {string} */ file) => readFile(join(folder, file), 'utf8')
  const modules = await Promise.all(libraries.map(async ({ name, file }) => ({ name, source: await source(file) })))
  const browser = await launch()
  try {
    const page = await browser.newPage()
    return await page.evaluate(
      async ({ rows, modules, row, rounds }) => {
        const load = (/** @type {string} */ source) => import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })))
        const libraries = await Promise.all(modules.map(async ({ name, source }) => ({ name, library: (await load(source)).default })))
        const { measureRow } = await load(rows)
        return measureRow(row, { rounds, libraries })
      },
      { rows: await source('rows.mjs'), modules, row, rounds },
    )
  } finally {
    await browser.close()
  }
}
