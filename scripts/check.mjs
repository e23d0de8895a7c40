// Checks format, lint, types and the project's own rules. Runs all checks, then lists those that failed.
import { spawnSync } from 'node:child_process'
import { root } from './support.mjs'

const tsc = ['node', 'node_modules/ts7/bin/tsc', '-p']
const steps = [
  ['format and lint', 'biome', 'check', '--error-on-warnings'],
  ['lint with types', 'oxlint', '--type-aware', '--deny-warnings'],
  ['types of src in a page', ...tsc, 'tsconfig.json'],
  ['types of src in a Worker', ...tsc, 'tsconfig.workers.json'],
  ['types of tests, playground and scripts', ...tsc, 'test/tsconfig.json'],
  ['unused exports', 'knip'],
  ['architecture', 'vitest', 'run', '--project', 'node', 'test/architecture.node.test.ts'],
]

const failed = steps.filter(([name, ...command]) => !passes(name, command)).map(([name]) => name)
console.log(failed.length === 0 ? '\ncheck: passed' : `\ncheck: FAILED: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1

/**
 * @param {string | undefined} name
 * @param {string[]} command
 */
function passes(name, command) {
  console.log(`\n— ${name}`)
  const run = ['scripts/run.mjs', ...command]
  return spawnSync(process.execPath, run, { cwd: root, stdio: 'inherit' }).status === 0
}
