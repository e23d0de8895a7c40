import type { Plugin } from 'vite'

/**
 * Sets the seed of the random tests from `FAST_CHECK_SEED`. In CI it is derived from the tested tree, so that the same checkout repeats its
 * result and another one tries other values. Without the variable, each test run has its own seed. `FAST_CHECK_RUNS` sets the number of
 * runs of the tests that do not fix it.
 */
export function seed(): Plugin {
  const { FAST_CHECK_RUNS, FAST_CHECK_SEED } = process.env
  const settings = [
    ...(FAST_CHECK_SEED === undefined ? [] : [`seed: ${Number(FAST_CHECK_SEED)}`]),
    ...(FAST_CHECK_RUNS === undefined ? [] : [`numRuns: ${Number(FAST_CHECK_RUNS)}`]),
  ]
  return {
    name: 'chaintap:seed',
    enforce: 'pre',
    transform(code, id) {
      // Appended at the end, so that line numbers stay the same.
      if (settings.length === 0 || !/\/test\/.*\.ts$/.test(id) || !code.includes("import fc from 'fast-check'")) return undefined
      return { code: `${code}\nfc.configureGlobal({ ${settings.join(', ')} })`, map: null }
    },
  }
}
