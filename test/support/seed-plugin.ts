import type { Plugin } from 'vite'

/**
 * Gives the random tests their seed where `FAST_CHECK_SEED` has one: in CI it is made of the tree that is tested, so that the same checkout
 * ends the same way again, and another tries other values. Elsewhere each run has its own.
 */
export function seed(): Plugin {
  const { FAST_CHECK_SEED } = process.env
  return {
    name: 'chaintap:seed',
    enforce: 'pre',
    transform(code, id) {
      // Behind all that is there, so that no line has another number.
      if (FAST_CHECK_SEED === undefined || !/\/test\/.*\.ts$/.test(id) || !code.includes("import fc from 'fast-check'")) return undefined
      return { code: `${code}\nfc.configureGlobal({ seed: ${Number(FAST_CHECK_SEED)} })`, map: null }
    },
  }
}
