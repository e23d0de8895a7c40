// The package's entries and their source files, read from the exports map, the only place that lists them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './support.mjs'

/** @type {{ name: string, exports: Record<string, { default: string }> }} */
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** @type {readonly { name: string, source: string }[]} name: what a program imports; source: from the root, `src/….ts` */
export const entries = Object.entries(manifest.exports).map(([subpath, target]) => ({
  name: manifest.name + subpath.slice(1),
  source: target.default.replace(/^\.\/dist\//, 'src/').replace(/\.js$/, '.ts'),
}))
