import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { imported } from '../lib/bundle.mjs'

export const version = `Node ${process.versions.node}`

/**
 * Measures each row in a new process, so that no row runs in one that another has warmed up.
 * @param {import('../lib/bundle.mjs').Task} task
 * @returns {Promise<readonly import('../lib/measure.ts').Figure[]>}
 */
export async function measure({ folder, row, rounds, libraries }) {
  const program = `
    import { measureRow } from './rows.mjs'
    ${imported(libraries)}
    // After a break, xsAI rejects a promise without a handler, which would end Node.
    process.on('unhandledRejection', (error) => console.error('Unhandled rejection: ' + error))
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
 * Returns the output of Node with these arguments.
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
    child.on('close', (code) => (code === 0 ? resolve(text) : reject(new Error(`Node exited with code ${code}.`))))
  })
}
