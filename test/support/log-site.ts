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

/** A site with the log, for browsers that are automated or killed. */
export interface LogSite extends PageSite {
  /** Highest number that a page has reported as acknowledged. */
  acknowledged: number
  /** Resolves with the report of the next page with `?find`. */
  found(): Promise<readonly string[]>
}

/** `/` has the log, `/without-commit` a build of it that never calls `commit()`, `/elsewhere` is an empty page. */
export async function startLogSite(): Promise<LogSite> {
  const client = await bundled('test/log/pages/client.ts')
  const without = client.replace('transaction.commit();', '')
  if (without === client) throw new Error('Nothing in the log calls transaction.commit()')
  const reports: PromiseWithResolvers<readonly string[]>[] = []
  const state = { acknowledged: 0 }
  const { url, close } = await startPageSite({ client, 'without-commit': without }, ({ pathname, search }, body) => {
    if (pathname === '/acknowledged') state.acknowledged = Math.max(state.acknowledged, Number(search.slice(1)))
    if (pathname === '/found') reports.shift()?.resolve(JSON.parse(body))
    return undefined
  })
  const found = (): Promise<readonly string[]> => {
    const report = Promise.withResolvers<readonly string[]>()
    reports.push(report)
    return report.promise
  }
  return Object.assign(state, { url, close, found })
}

/** A browser with a persistent profile, so that it can be killed and started again. */
export interface KillableBrowser {
  open(url: string): Promise<void>
  kill(): Promise<void>
  /**
   * Whether it has logged, since it was opened, that it deleted a database. After a kill LevelDB, which stores Chromium's databases, appends
   * to a log whose last write is incomplete, takes that place for corruption at the next start, and deletes all databases of the origin.
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
  // Without a driver, which would clear its storage.
  webkit: { program: onPath('Xvfb') && folders.find(existsSync), args: () => [], hasScreen: false },
}

/** Returns `undefined` if the program is not installed. */
export function killableBrowser(name: keyof typeof browsers): KillableBrowser | undefined {
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
  let stderrText = ''
  const kill = async (): Promise<void> => {
    if (!running?.pid) return
    const exit = running.exitCode === null && running.signalCode === null ? once(running, 'exit') : undefined
    try {
      process.kill(-running.pid, 'SIGKILL')
    } catch (error) {
      // The browser has exited by itself, as WebKitGTK sometimes does when it starts.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
    running = undefined
    await exit
  }
  return {
    async open(url) {
      if (!hasScreen) display ??= screen(launch)
      const env = { PATH: process.env.PATH, HOME: home, ...(display && { DISPLAY: await display }) }
      // A process group of its own, which is killed as a whole, without the environment of the test run.
      running = spawn(program, [...args(home), url], { env, detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
      stderrText = ''
      running.stderr?.on('data', (data) => (stderrText += String(data)))
    },
    kill,
    hasDeleted: () => stderrText.includes('corrupted (and deleted) database'),
    async end() {
      await kill()
      for (const shell of shells) shell.stdin?.end()
      rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    },
  }
}

// Without these, Firefox offers to restore its tabs, or a safe mode, after a crash.
const preferences = [
  ['browser.sessionstore.resume_from_crash', false],
  ['browser.sessionstore.max_resumed_crashes', -1],
  ['toolkit.startup.max_resumed_crashes', -1],
  ['browser.shell.checkDefaultBrowser', false],
  ['browser.startup.homepage_override.mstone', 'ignore'],
  // For a thumbnail Firefox opens the page again, with separate storage: that one reads nothing.
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
