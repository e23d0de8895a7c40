import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { root } from '../../scripts/support.mjs'

/** The playground, served by `npm start`. */
export interface Playground {
  readonly url: string
  /** Ends the server and its child process, the Worker. */
  stop(): Promise<void>
}

/** Starts the real dev server at a free port, with the offline model even if an API key is set. */
export async function startPlayground(): Promise<Playground> {
  // Vite derives its mode, and whether tests run, from these variables. Without PORT the server takes a free one.
  const inherited = Object.entries(process.env).filter(([name]) => !/^(VITEST.*|NODE_ENV|MODE|TEST|DEV|PROD|SSR|BASE_URL|PORT)$/.test(name))
  const env = { ...Object.fromEntries(inherited), OFFLINE: '1' }
  // A detached process has its own group, which can be ended with all its children.
  const server = spawn(process.execPath, [join(root, 'scripts', 'start.mjs')], { cwd: root, env, detached: process.platform !== 'win32' })
  try {
    return { url: await addressOf(server), stop: () => end(server) }
  } catch (error) {
    await end(server)
    throw error
  }
}

function addressOf({ stdout, stderr }: ChildProcessWithoutNullStreams): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = ''
    const read = (chunk: Buffer): void => {
      output += chunk.toString()
      const address = /playground: (http:\S+)/.exec(output)?.[1]
      if (address) resolve(address)
    }
    stdout.on('data', read)
    stderr.on('data', read)
    stdout.on('close', () => reject(new Error(`npm start ended without an address:\n${output}`)))
  })
}

async function end(server: ChildProcessWithoutNullStreams): Promise<void> {
  const isRunning = server.exitCode === null && server.signalCode === null
  const exit = isRunning ? once(server, 'exit') : undefined
  kill(server, 'SIGTERM')
  await exit
  // Ends members of the group that are still running.
  kill(server, 'SIGKILL')
}

function kill(server: ChildProcessWithoutNullStreams, signal: NodeJS.Signals): void {
  if (server.pid === undefined || process.platform === 'win32') return void server.kill(signal)
  try {
    process.kill(-server.pid, signal)
  } catch {
    // The group has no members left.
  }
}
