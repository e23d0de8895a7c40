// Bundles modules without imports for the engines: the rows, the same for all, and each library for one engine, as its users build it.
import { join } from 'node:path'
import { build } from 'esbuild'
import { entries } from '../../scripts/entries.mjs'
import { root } from '../../scripts/support.mjs'

/**
 * A row to measure, with its files in a folder.
 * @typedef {object} Task
 * @property {string} folder has `rows.mjs` and the libraries' modules
 * @property {string} row
 * @property {number} rounds
 * @property {readonly Module[]} libraries those of the row
 * @typedef {import('./libraries.mjs').Listed & { readonly file: string }} Module `file` is in the folder; its default export is a Library
 */

/** @type {import('esbuild').BuildOptions} */
const common = {
  alias: Object.fromEntries(entries.map(({ name, source }) => [name, join(root, source)])),
  bundle: true,
  format: 'esm',
  target: 'es2022',
  logLevel: 'error',
}

/**
 * Bundles the rows. Names are kept for profiles.
 * @param {{ sourcemap?: boolean }} [options]
 * @returns {Promise<string>}
 */
export async function bundle({ sourcemap = false } = {}) {
  const result = await build({
    ...common,
    entryPoints: [join(root, 'bench/lib/rows.ts')],
    platform: 'neutral',
    mainFields: ['module', 'main'],
    sourcemap: sourcemap && 'inline',
    sourceRoot: root,
    write: false,
  })
  return result.outputFiles[0]?.text ?? ''
}

/** @type {Readonly<Record<string, import('esbuild').BuildOptions>>} */
const engines = {
  // CommonJS modules in the bundle load Node's modules with `require`.
  node: { platform: 'node', banner: { js: "import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)" } },
  workerd: { platform: 'browser', conditions: ['workerd', 'worker'] },
  chromium: { platform: 'browser' },
}

/**
 * Returns code for a program in the folder that imports the libraries into the variable `libraries`.
 * @param {readonly Module[]} libraries
 */
export function imported(libraries) {
  const imports = libraries.map(({ file }, index) => `import library${index} from './${file}'`)
  const named = libraries.map(({ name }, index) => `{ name: ${JSON.stringify(name)}, library: library${index} }`)
  return [...imports, `const libraries = [${named.join()}]`].join('\n')
}

/**
 * Bundles a library for an engine into a file.
 * @param {string} engine
 * @param {string} adapter
 * @param {string} file
 */
export async function bundleLibrary(engine, adapter, file) {
  const plugins = engine === 'node' ? [] : [withoutNode]
  await build({ ...common, ...engines[engine], plugins, entryPoints: [adapter], outfile: file })
}

/**
 * Replaces `node:` modules by empty ones. A library that imports them cannot be bundled for a page unchanged (the size row says so), but
 * runs
 * in one, because it does not call them.
 * @type {import('esbuild').Plugin}
 */
export const withoutNode = {
  name: 'without-node',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'empty' }))
    onLoad({ filter: /.*/, namespace: 'empty' }, () => ({ contents: 'module.exports = {}', loader: 'js' }))
  },
}
