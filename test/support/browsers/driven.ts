import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { playwright } from '@vitest/browser-playwright'
import type { BrowserProvider, BrowserProviderOption } from 'vitest/node'

/** A browser that runs, as its driver gives it. */
export interface Driven {
  readonly version: string
  open(url: string): Promise<unknown>
  close(): Promise<unknown>
}

/** Starts a program of the browser's. None outlives the tests. */
export type Launch = (program: string, args: readonly string[], env?: NodeJS.ProcessEnv) => ChildProcess

/** Starts a browser. Its home is a new folder, which goes when it goes. */
export type Start = (launch: Launch, home: string) => Promise<Driven>

/** A provider of vitest's for a browser of the system. What serves the tests is that of playwright's provider; who opens the page differs. */
export function driven(name: string, start: Start): BrowserProviderOption {
  return { ...playwright(), name, providerFactory: () => new DrivenProvider(name, start) }
}

class DrivenProvider implements BrowserProvider {
  readonly name: string
  readonly supportsParallelism = false
  /** Once it runs; playwright's provider has it in the same place. */
  browser: { version(): string } | undefined
  readonly #start: Start
  readonly #shells: ChildProcess[] = []
  #started: Promise<Driven> | undefined

  constructor(name: string, start: Start) {
    this.name = name
    this.#start = start
  }

  async openPage(_session: string, url: string): Promise<void> {
    this.#started ??= this.#begin()
    await (await this.#started).open(url)
  }

  getCommandsContext(): Record<string, unknown> {
    return {}
  }

  async close(): Promise<void> {
    const started = await this.#started?.catch(() => undefined)
    await atMost3s(started?.close())
    await atMost3s(Promise.all(this.#shells.map(ended)))
  }

  async #begin(): Promise<Driven> {
    const home = mkdtempSync(join(tmpdir(), 'chaintap-browser-'))
    const launch: Launch = (program, args, env) => {
      const shell = launchIn(home, program, args, env)
      this.#shells.push(shell)
      return shell
    }
    const started = await this.#start(launch, home)
    this.browser = { version: () => started.version }
    return started
  }
}

/** The shell ends the program and all that it started when the pipe to `read` closes: when we say so, or when this process ends in whatever way. */
export function launchIn(home: string, program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const script = 'trap : TERM; home=$1; shift; "$@" & read _; kill 0; wait; rm -rf "$home"'
  const shell = spawn('sh', ['-c', script, 'sh', home, program, ...args], {
    // Nothing of who runs the tests: their display, their session bus, their profile.
    env: { PATH: process.env.PATH, HOME: home, ...env },
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
  })
  // A pipe that nobody reads would stop who writes.
  shell.stderr?.resume()
  return shell
}

async function ended(shell: ChildProcess): Promise<void> {
  const exit = shell.exitCode === null && shell.signalCode === null ? once(shell, 'exit') : undefined
  shell.stdin?.end()
  await exit
}

async function atMost3s(work: Promise<unknown> | undefined): Promise<void> {
  await Promise.race([work?.catch(() => {}), setTimeout(3_000, undefined, { ref: false })])
}
