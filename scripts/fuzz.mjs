// npm run fuzz -- [RUNS] [ENGINE]: reads that many damaged answers per test of test/fuzz (100,000 in Node if not given), and prints the seed.
import { spawnSync } from 'node:child_process'
import { root } from './support.mjs'

const [runs = '100000', engine = 'node'] = process.argv.slice(2)
const seed = process.env.FAST_CHECK_SEED ?? String(Math.floor(Math.random() * 2 ** 31))
console.log(`${runs} damaged bodies per test; repeat with FAST_CHECK_SEED=${seed} npm run fuzz -- ${runs} ${engine}`)
const env = { ...process.env, FAST_CHECK_RUNS: runs, FAST_CHECK_SEED: seed }
process.exitCode = spawnSync(process.execPath, ['scripts/test.mjs', engine, 'test/fuzz'], { cwd: root, stdio: 'inherit', env }).status ?? 1
