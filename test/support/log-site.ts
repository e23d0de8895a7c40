import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onPath } from '../../scripts/support.mjs'
import { type Launch, launchIn } from './browsers/driven.ts'
import { launchOptionsOf } from './browsers/index.ts'
import { screen } from './browsers/webkitgtk.ts'
import { bundled, type PageSite, startPageSite } from './page-site.ts'

/** A site with the log, for browsers that are driven or killed. */
export interface LogSite extends PageSite {
  /** The highest number that a page has said was acknowledged. */
  acknowledged: number
  /** What the next page that is asked to says it found. */
  found(): Promise<readonly string[]>
}

/** `/` has the log, `/without-commit` a build of it that never calls `commit()`, `/elsewhere` nothing. */
export async function startLogSite(): Promise<LogSite> {
  const client = await bundled('test/log/pages/client.ts')
  const without = client.replace('transaction.commit();', '')
  if (without === client) throw new Error('Nothing in the log calls transaction.commit()')
  const reports: PromiseWithResolvers<readonly string[]>[] = []
  const told = { acknowledged: 0 }
  const { url, close } = await startPageSite({ client, 'without-commit': without }, ({ pathname, search }, body) => {
    if (pathname === '/acknowledged') told.acknowledged = Math.max(told.acknowledged, Number(search.slice(1)))
    if (pathname === '/found') reports.shift()?.resolve(JSON.parse(body))
    return undefined
  })
  const found = (): Promise<readonly string[]> => {
    const report = Promise.withResolvers<readonly string[]>()
    reports.push(report)
    return report.promise
  }
  return Object.assign(told, { url, close, found })
}

/** A browser with a profile that outlives it, so that it can be killed and come again. */
export interface Mortal {
  open(url: string): Promise<void>
  kill(): Promise<void>
  /**
   * Whether it has said, since it was opened, that it deleted a database. LevelDB, which Chromium keeps them in, goes on in a log whose last
   * write was cut by a kill, takes the place for damage at the start after that, and has all of the origin's databases deleted.
   */
  hasDeleted(): boolean
  /** Ends it, and removes its profile. */
  end(): Promise<void>
}

const folders = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib'].flatMap((folder) =>
  ['webkit2gtk-4.1', 'webkitgtk-6.0'].map((version) => join(folder, version, 'MiniBrowser')),
)

const browsers = {
  chromium: {
    program: onPath('chromium'),
    args: (home: string) => [
      '--headless',
      ...(launchOptionsOf('chromium')?.args ?? []),
      '--enable-logging=stderr',
      `--user-data-dir=${home}`,
    ],
    hasScreen: true,
  },
  firefox: { program: onPath('firefox-esr'), args: (home: string) => ['--headless', '--no-remote', '--profile', home], hasScreen: true },
  // By hand: its driver would have it forget everything.
  webkit: { program: onPath('Xvfb') && folders.find(existsSync), args: () => [], hasScreen: false },
}

/** Undefined where the program is not installed. */
export function mortal(name: keyof typeof browsers): Mortal | undefined {
  const { program, args, hasScreen } = browsers[name]
  if (program === undefined) return undefined
  const home = mkdtempSync(join(tmpdir(), 'chaintap-mortal-'))
  if (name === 'firefox') writeFileSync(join(home, 'user.js'), preferences)
  const shells: ChildProcess[] = []
  const launch: Launch = (...given) => {
    const shell = launchIn(mkdtempSync(join(tmpdir(), 'chaintap-screen-')), ...given)
    shells.push(shell)
    return shell
  }
  let display: Promise<string> | undefined
  let running: ChildProcess | undefined
  let said = ''
  const kill = async (): Promise<void> => {
    if (!running?.pid) return
    const exit = running.exitCode === null && running.signalCode === null ? once(running, 'exit') : undefined
    try {
      process.kill(-running.pid, 'SIGKILL')
    } catch (error) {
      // It has ended by itself, as WebKitGTK's at times when it starts.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
    running = undefined
    await exit
  }
  return {
    async open(url) {
      if (!hasScreen) display ??= screen(launch)
      const env = { PATH: process.env.PATH, HOME: home, ...(display && { DISPLAY: await display }) }
      // A group of its own, which is killed whole. Nothing of who runs the tests.
      running = spawn(program, [...args(home), url], { env, detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
      said = ''
      running.stderr?.on('data', (data) => (said += String(data)))
    },
    kill,
    hasDeleted: () => said.includes('corrupted (and deleted) database'),
    async end() {
      await kill()
      for (const shell of shells) shell.stdin?.end()
      rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    },
  }
}

// After a crash Firefox offers to restore its tabs, and asks whether it shall be safe.
const preferences = [
  ['browser.sessionstore.resume_from_crash', false],
  ['browser.sessionstore.max_resumed_crashes', -1],
  ['toolkit.startup.max_resumed_crashes', -1],
  ['browser.shell.checkDefaultBrowser', false],
  ['browser.startup.homepage_override.mstone', 'ignore'],
  // For a picture of it Firefox opens the page once more, with a storage of its own: that one finds nothing.
  ['browser.pagethumbnails.capturing_disabled', true],
  ['app.update.enabled', false],
  ['app.normandy.enabled', false],
  ['datareporting.policy.dataSubmissionEnabled', false],
  ['network.captive-portal-service.enabled', false],
  ['network.connectivity-service.enabled', false],
  ['services.settings.server', 'data:,#remote-settings-dummy/v1'],
]
  .map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`)
  .join('')
