// node scripts/run.mjs COMMAND … runs a tool of node_modules/.bin with a Node version that supports it.
import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { hasOwnNode, nodeIsOld, nodeNeeded, root, toolchainBin } from './support.mjs'

const [command, ...args] = process.argv.slice(2)
if (command === undefined) {
  console.error('Usage: node scripts/run.mjs COMMAND [ARGUMENTS]')
  process.exit(2)
}

const folders = [join(root, 'node_modules', '.bin')]
if (nodeIsOld()) {
  if (!hasOwnNode()) {
    console.error(`Node ${process.versions.node} is too old: chaintap's tools require ${nodeNeeded}. Run "node scripts/setup.mjs" first.`)
    process.exit(1)
  }
  folders.unshift(toolchainBin)
}

const env = { ...process.env, PATH: [...folders, process.env.PATH ?? ''].join(delimiter) }
// Windows starts .cmd files of .bin only through a shell.
const child = spawn(command, args, { env, stdio: 'inherit', shell: process.platform === 'win32' })

// A terminal sends Ctrl-C to the child too; this process only has to outlive it and pass on its result.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => child.kill('SIGTERM'))
child.on('error', (error) => {
  console.error(`Could not start ${command}: ${error.message}. Run "node scripts/setup.mjs" first.`)
  process.exitCode = 1
})
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGINT' || signal === 'SIGTERM' ? 0 : 1)
})
