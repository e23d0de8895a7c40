import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { imported } from '../lib/bundle.mjs'

export const version = `Node ${process.versions.node}`

/**
 * A process of its own for each row: none runs in what another has warmed.
 * @param {import('../lib/bundle.mjs').Task} task
 * @returns {Promise<readonly import('../lib/measure.ts').Figure[]>}
 */
export async function measure({ folder, row, rounds, libraries }) {
  const program = `
    import { measureRow } from './rows.mjs'
    ${imported(libraries)}
    // Left by break, xsAI rejects a promise that nobody has: Node would end.
    process.on('unhandledRejection', (error) => console.error('Nobody handles: ' + error))
    const liveBytes = () => {
      gc()
      const { heapUsed, external } = process.memoryUsage()
      return heapUsed + external
    }
    console.log(JSON.stringify(await measureRow(${JSON.stringify(row)}, { rounds: ${rounds}, libraries, liveBytes })))`
  const file = join(folder, 'node.mjs')
  await writeFile(file, program)
  return JSON.parse(await output(['--expose-gc', file]))
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
