// What a page downloads, gzipped: each program bundled for browsers, and apart from it what it loads only when it needs it.
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { entries } from './entries.mjs'
import { root } from './support.mjs'

const programs = [
  { name: 'chat from Anthropic through a chain, one handler, tokens counted', file: 'chat.ts', budget: 8 },
  { name: 'chaintap, whole', file: 'whole.ts', budget: 12 },
]

const alias = Object.fromEntries(entries.map(({ name, source }) => [name, join(root, source)]))
let failures = 0
for (const { name, file, budget } of programs) {
  const measured = await measure(file)
  const over = measured === undefined || measured.atOnce > budget
  if (over) failures += 1
  const size = measured === undefined ? 'does not bundle' : `${measured.atOnce.toFixed(2)} KB`
  const later = measured?.onDemand ? ` (and ${measured.onDemand.toFixed(2)} KB on demand)` : ''
  console.log(`${over ? 'OVER' : 'ok  '}  ${size.padStart(9)} of ${String(budget).padStart(2)} KB  ${name}${later}`)
}
process.exitCode = failures === 0 ? 0 : 1

/** A `node:` import anywhere in reach does not resolve for browsers, and so fails here. @param {string} file */
async function measure(file) {
  const result = await build({
    entryPoints: [join(root, 'scripts/size', file)],
    absWorkingDir: root,
    alias,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    splitting: true,
    outdir: join(root, 'dist-size'),
    write: false,
    metafile: true,
  }).catch(() => undefined)
  if (result === undefined) return undefined
  const { outputs } = result.metafile
  const first = Object.keys(outputs).find((output) => outputs[output]?.entryPoint === `scripts/size/${file}`)
  const loaded = first === undefined ? new Set() : staticallyLoaded(first, outputs)
  const size = { atOnce: 0, onDemand: 0 }
  for (const { path, contents } of result.outputFiles) {
    const when = loaded.has(path.slice(root.length + 1).replaceAll('\\', '/')) ? 'atOnce' : 'onDemand'
    size[when] += gzipSync(contents, { level: 9 }).length / 1024
  }
  return size
}

/**
 * @param {string} file
 * @param {import('esbuild').Metafile['outputs']} outputs
 * @param {Set<string>} seen
 */
function staticallyLoaded(file, outputs, seen = new Set()) {
  if (seen.has(file)) return seen
  seen.add(file)
  for (const { path, kind } of outputs[file]?.imports ?? []) {
    if (kind === 'import-statement') staticallyLoaded(path, outputs, seen)
  }
  return seen
}
