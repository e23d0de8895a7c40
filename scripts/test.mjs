// node scripts/test.mjs ENGINE [FILES AND OPTIONS OF VITEST]: sets up one engine and runs only its tests.
import { spawnSync } from 'node:child_process'
import { root } from './support.mjs'

const [engine = 'node', ...args] = process.argv.slice(2)
const needsBrowser = ['chromium', 'firefox', 'webkit'].includes(engine)
const isReady = run('scripts/setup.mjs', ...(needsBrowser ? ['browsers'] : []))
process.exitCode = isReady && run('scripts/run.mjs', 'vitest', 'run', '--project', engine, ...args) ? 0 : 1

/** @param {string[]} script a script of this repository, and its arguments */
function run(...script) {
  return spawnSync(process.execPath, script, { cwd: root, stdio: 'inherit' }).status === 0
}
