// node scripts/run.mjs COMMAND … runs a tool of node_modules/.bin under a Node that is new enough for it.
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
    console.error(`Node ${process.versions.node} is too old (chaintap's tools need ${nodeNeeded}): run "node scripts/setup.mjs" first.`)
    process.exit(1)
  }
  folders.unshift(toolchainBin)
}

const env = { ...process.env, PATH: [...folders, process.env.PATH ?? ''].join(delimiter) }
// Windows starts the .cmd files of .bin only through a shell.
const child = spawn(command, args, { env, stdio: 'inherit', shell: process.platform === 'win32' })

// A terminal sends ctrl-c to the child as well; this process only has to outlive it and pass its result on.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => child.kill('SIGTERM'))
child.on('error', (error) => {
  console.error(`Could not start ${command}: ${error.message}. Run "node scripts/setup.mjs" first.`)
  process.exitCode = 1
})
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGINT' || signal === 'SIGTERM' ? 0 : 1)
})
