// Modules without imports for the engines: the rows for all of them alike, and the libraries, each for one engine as its users build it.
import { join } from 'node:path'
import { build } from 'esbuild'
import { entries } from '../../scripts/entries.mjs'
import { root } from '../../scripts/support.mjs'

/**
 * A row to measure, with all that it needs in a folder.
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
 * The rows; names are kept, for profiles.
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
  // What is CommonJS in there asks for Node's modules by `require`.
  node: { platform: 'node', banner: { js: "import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)" } },
  workerd: { platform: 'browser', conditions: ['workerd', 'worker'] },
  chromium: { platform: 'browser' },
}

/**
 * For a program in the folder: imports the libraries, and has them as the rows take them.
 * @param {readonly Module[]} libraries
 */
export function imported(libraries) {
  const imports = libraries.map(({ file }, index) => `import library${index} from './${file}'`)
  const named = libraries.map(({ name }, index) => `{ name: ${JSON.stringify(name)}, library: library${index} }`)
  return [...imports, `const libraries = [${named.join()}]`].join('\n')
}

/**
 * Writes a library for an engine.
 * @param {string} engine
 * @param {string} adapter
 * @param {string} file
 */
export async function bundleLibrary(engine, adapter, file) {
  const plugins = engine === 'node' ? [] : [withoutNode]
  await build({ ...common, ...engines[engine], plugins, entryPoints: [adapter], outfile: file })
}

/**
 * Leaves `node:` modules empty where there are none. A library that imports them does not build for a page as it is (its size says so),
 * but runs in one, as nothing of them is called.
 * @type {import('esbuild').Plugin}
 */
export const withoutNode = {
  name: 'without-node',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'empty' }))
    onLoad({ filter: /.*/, namespace: 'empty' }, () => ({ contents: 'module.exports = {}', loader: 'js' }))
  },
}
