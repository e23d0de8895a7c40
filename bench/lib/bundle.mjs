// The rows as one module without imports, for every engine alike; names are kept, for profiles.
import { join } from 'node:path'
import { build } from 'esbuild'
import { entries } from '../../scripts/entries.mjs'
import { root } from '../../scripts/support.mjs'

/**
 * @param {{ sourcemap?: boolean }} [options]
 * @returns {Promise<string>}
 */
export async function bundle({ sourcemap = false } = {}) {
  const result = await build({
    entryPoints: [join(root, 'bench/lib/rows.ts')],
    alias: Object.fromEntries(entries.map(({ name, source }) => [name, join(root, source)])),
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2022',
    sourcemap: sourcemap && 'inline',
    sourceRoot: root,
    write: false,
    logLevel: 'error',
  })
  return result.outputFiles[0]?.text ?? ''
}
