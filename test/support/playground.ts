import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { root } from '../../scripts/support.mjs'

/** The playground as `npm start` serves it. */
export interface Playground {
  readonly url: string
  /** Ends the server, and the Worker's process below it. */
  stop(): Promise<void>
}

/** Starts the real dev server at a free port, with the offline model even where a key is set. */
export async function startPlayground(): Promise<Playground> {
  // Vite decides by these whether tests run, and in which mode; without PORT the server looks for one that is free.
  const given = Object.entries(process.env).filter(([name]) => !/^(VITEST.*|NODE_ENV|MODE|TEST|DEV|PROD|SSR|BASE_URL|PORT)$/.test(name))
  const env = { ...Object.fromEntries(given), OFFLINE: '1' }
  // Detached is a group of its own, which can be ended with all its children.
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
    let said = ''
    const hear = (chunk: Buffer): void => {
      said += chunk.toString()
      const address = /playground: (http:\S+)/.exec(said)?.[1]
      if (address) resolve(address)
    }
    stdout.on('data', hear)
    stderr.on('data', hear)
    stdout.on('close', () => reject(new Error(`npm start ended without an address:\n${said}`)))
  })
}

async function end(server: ChildProcessWithoutNullStreams): Promise<void> {
  const isRunning = server.exitCode === null && server.signalCode === null
  const exit = isRunning ? once(server, 'exit') : undefined
  kill(server, 'SIGTERM')
  await exit
  // What of the group has outlived it.
  kill(server, 'SIGKILL')
}

function kill(server: ChildProcessWithoutNullStreams, signal: NodeJS.Signals): void {
  if (server.pid === undefined || process.platform === 'win32') return void server.kill(signal)
  try {
    process.kill(-server.pid, signal)
  } catch {
    // Nobody of the group is left.
  }
}
