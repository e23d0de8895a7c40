// workerd under wrangler, without a test runner.
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { root } from '../../scripts/support.mjs'
import { imported } from '../lib/bundle.mjs'
import { measureColdStart } from '../lib/cold.mjs'

/** @typedef {import('../lib/measure.ts').Figure} Figure */

export const version = `workerd ${createRequire(import.meta.url)('workerd/package.json').version}`

const compatibilityDate = /^compatibility_date = "(.*)"$/m.exec(readFileSync(join(root, 'wrangler.toml'), 'utf8'))?.[1] ?? ''

/**
 * Measures each row in a new workerd, so that no row runs in one that another has warmed up.
 * @param {import('../lib/bundle.mjs').Task} task
 * @returns {Promise<readonly Figure[]>}
 */
export function measure(task) {
  return task.row.endsWith('cold') ? measureColdStart(task, compatibilityDate) : measureInside(task)
}

/** @param {import('../lib/bundle.mjs').Task} task @returns {Promise<readonly Figure[]>} */
async function measureInside({ folder, row, rounds, libraries }) {
  // Wrangler reads these when it is loaded: no telemetry, no request to Cloudflare.
  process.env.WRANGLER_SEND_METRICS = 'false'
  process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false'
  const { createTestHarness } = await import('wrangler')
  const worker = `
    import { measureRow } from './rows.mjs'
    ${imported(libraries)}
    export default {
      async fetch() {
        return Response.json(await measureRow(${JSON.stringify(row)}, { rounds: ${rounds}, libraries }))
      }
    }`
  await writeFile(join(folder, 'worker.mjs'), worker)
  const config = { name: 'bench', main: 'worker.mjs', compatibility_date: compatibilityDate }
  const server = createTestHarness({ root: folder, workers: [{ config }] })
  try {
    await server.listen()
    const response = await server.fetch('/')
    if (!response.ok) throw new Error(await response.text())
    return /** @type {any} */ (await response.json())
  } finally {
    await server.close()
  }
}
