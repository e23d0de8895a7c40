// Measures what a page downloads, gzipped: a program bundled for browsers, and separately what it loads on demand.
import { join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { entries } from '../entries.mjs'
import { root } from '../support.mjs'

/** @typedef {{ readonly atOnce: number, readonly onDemand: number }} Size KB */

const alias = Object.fromEntries(entries.map(({ name, source }) => [name, join(root, source)]))

/**
 * Returns the size of a program. Throws a BuildFailure if it cannot be bundled: a reachable `node:` import does not resolve for browsers.
 * @param {string} file
 * @param {readonly import('esbuild').Plugin[]} [plugins]
 * @returns {Promise<Size>}
 */
export async function sizeOf(file, plugins = []) {
  const result = await build({
    entryPoints: [{ in: file, out: 'program' }],
    absWorkingDir: root,
    alias,
    plugins: [...plugins],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    splitting: true,
    outdir: 'dist-size',
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  const loaded = staticallyLoaded('dist-size/program.js', result.metafile.outputs)
  const size = { atOnce: 0, onDemand: 0 }
  for (const { path, contents } of result.outputFiles) {
    const when = loaded.has(relative(root, path).replaceAll('\\', '/')) ? 'atOnce' : 'onDemand'
    size[when] += gzipSync(contents, { level: 9 }).length / 1024
  }
  return size
}

/**
 * Returns what a program downloads at once in addition to another one. Code loaded on demand is left out of the comparison, because esbuild
 * puts modules that both parts use into chunks, while Rollup and others keep them in the program.
 * @param {string} file
 * @param {string} other
 * @returns {Promise<Size>}
 */
export async function addedBy(file, other) {
  const [whole, without] = [await sizeOf(file, [onDemandOutside]), await sizeOf(other, [onDemandOutside])]
  const [split, splitWithout] = [await sizeOf(file), await sizeOf(other)]
  return { atOnce: whole.atOnce - without.atOnce, onDemand: split.onDemand - splitWithout.onDemand }
}

/** @type {import('esbuild').Plugin} */
const onDemandOutside = {
  name: 'on-demand-outside',
  setup({ onResolve }) {
    onResolve({ filter: /.*/ }, ({ kind, path }) => (kind === 'dynamic-import' ? { path, external: true } : undefined))
  },
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
