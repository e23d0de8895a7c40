// Plain workerd under wrangler: no test runner around it.
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { root } from '../../scripts/support.mjs'

export const version = `workerd ${createRequire(import.meta.url)('workerd/package.json').version}`

const worker = `
  import { measureRow } from './rows.mjs'
  export default {
    async fetch(request) {
      const { row, rounds } = await request.json()
      return Response.json(await measureRow(row, rounds))
    }
  }`

/**
 * A workerd of its own for each row: none runs in what another has warmed.
 * @param {string} folder where the bundle is
 * @param {string} row
 * @param {number} rounds
 * @returns {Promise<readonly import('../lib/measure.ts').Figure[]>}
 */
export async function measure(folder, row, rounds) {
  // Read by wrangler when it is loaded: no telemetry, no request to Cloudflare.
  process.env.WRANGLER_SEND_METRICS = 'false'
  process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false'
  const { createTestHarness } = await import('wrangler')
  await writeFile(join(folder, 'worker.mjs'), worker)
  const compatibility_date = /^compatibility_date = "(.*)"$/m.exec(readFileSync(join(root, 'wrangler.toml'), 'utf8'))?.[1] ?? ''
  const config = { name: 'bench', main: 'worker.mjs', compatibility_date }
  const server = createTestHarness({ root: folder, workers: [{ config }] })
  try {
    await server.listen()
    const response = await server.fetch('/', { method: 'POST', body: JSON.stringify({ row, rounds }) })
    if (!response.ok) throw new Error(await response.text())
    return /** @type {any} */ (await response.json())
  } finally {
    await server.close()
  }
}
