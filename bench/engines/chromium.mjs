import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { launchChromium } from '../../scripts/chromium.mjs'

/** @typedef {import('../lib/measure.ts').Figure} Figure */

const browser = await launchChromium()
export const version = `Chromium ${browser.version()}`
await browser.close()

/**
 * Measures each row in a new browser, so that no row runs in one that another has warmed up.
 * @param {import('../lib/bundle.mjs').Task} task
 * @returns {Promise<readonly Figure[]>}
 */
export async function measure({ folder, row, rounds, libraries }) {
  const source = (/** @type {string} */ file) => readFile(join(folder, file), 'utf8')
  const modules = await Promise.all(libraries.map(async ({ name, file }) => ({ name, source: await source(file) })))
  const browser = await launchChromium()
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
