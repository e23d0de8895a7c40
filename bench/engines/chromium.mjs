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
 * @param {string} folder where the bundle is
 * @param {string} row
 * @param {number} rounds
 * @returns {Promise<readonly Figure[]>}
 */
export async function measure(folder, row, rounds) {
  const source = await readFile(join(folder, 'rows.mjs'), 'utf8')
  const browser = await launch()
  try {
    const page = await browser.newPage()
    return await page.evaluate(
      async ({ source, row, rounds }) => {
        const { measureRow } = await import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })))
        return measureRow(row, rounds)
      },
      { source, row, rounds },
    )
  } finally {
    await browser.close()
  }
}
