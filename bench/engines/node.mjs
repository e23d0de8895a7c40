import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

export const version = `Node ${process.versions.node}`

/**
 * A process of its own for each row: none runs in what another has warmed.
 * @param {string} folder where the bundle is
 * @param {string} row
 * @param {number} rounds
 * @returns {Promise<readonly import('../lib/measure.ts').Figure[]>}
 */
export async function measure(folder, row, rounds) {
  const program = `
    import { measureRow } from ${JSON.stringify(pathToFileURL(join(folder, 'rows.mjs')))}
    const liveBytes = () => {
      gc()
      const { heapUsed, external } = process.memoryUsage()
      return heapUsed + external
    }
    console.log(JSON.stringify(await measureRow(${JSON.stringify(row)}, ${rounds}, liveBytes)))`
  return JSON.parse(await output(['--expose-gc', '--input-type=module', '--eval', program]))
}

/**
 * What a Node of this version prints, given these arguments.
 * @param {readonly string[]} args
 * @returns {Promise<string>}
 */
function output(args) {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ chunk) => {
    text += chunk
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve(text) : reject(new Error(`Node ended with ${code}`))))
  })
}
