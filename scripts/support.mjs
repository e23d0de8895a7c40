// Shared by the scripts and vite.config.ts. Runs on Node 20, before any package is installed.
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '')
export const toolchain = join(root, 'scripts', 'toolchain')
export const toolchainBin = join(toolchain, 'node_modules', '.bin')

/** The oldest Node version that vite, vitest and wrangler support. */
export const nodeNeeded = '22.12'

export function nodeIsOld(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [needMajor = 0, needMinor = 0] = nodeNeeded.split('.').map(Number)
  return major < needMajor || (major === needMajor && minor < needMinor)
}

export function hasOwnNode() {
  return existsSync(join(toolchainBin, 'node'))
}

/**
 * Returns the full path of a program on PATH, or undefined.
 * @param {string} name
 */
export function onPath(name) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(folder, name)
    if (folder !== '' && isExecutable(file)) return file
  }
  return undefined
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
