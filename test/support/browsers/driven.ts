import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { playwright } from '@vitest/browser-playwright'
import type { BrowserProvider, BrowserProviderOption } from 'vitest/node'

/** A running browser with its driver. */
export interface Driven {
  readonly version: string
  open(url: string): Promise<unknown>
  close(): Promise<unknown>
}

/** Starts a program of the browser, which ends with the tests at the latest. */
export type Launch = (program: string, args: readonly string[], env?: NodeJS.ProcessEnv) => ChildProcess

/** Starts a browser. Its home is a new folder, which is removed when the browser ends. */
export type Start = (launch: Launch, home: string) => Promise<Driven>

/** Returns a Vitest provider for a browser of the system. It serves tests as the Playwright provider does, and differs in how it opens the page. */
export function driven(name: string, start: Start): BrowserProviderOption {
  return { ...playwright(), name, providerFactory: () => new DrivenProvider(name, start) }
}

class DrivenProvider implements BrowserProvider {
  readonly name: string
  readonly supportsParallelism = false
  /** Set while the browser runs, as in the Playwright provider. */
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

/** The shell kills the program and its children when the pipe to `read` closes: on request, or when this process ends for any reason. */
export function launchIn(home: string, program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const script = 'trap : TERM; home=$1; shift; "$@" & read _; kill 0; wait; rm -rf "$home"'
  const shell = spawn('sh', ['-c', script, 'sh', home, program, ...args], {
    // Without the environment of the test run: its display, session bus and profile.
    env: { PATH: process.env.PATH, HOME: home, ...env },
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
  })
  // An unread pipe would block the program that writes to it.
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
