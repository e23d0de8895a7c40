import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserProviderOption } from 'vitest/node'
import { driven } from './driven.ts'

// Asks nobody for anything: no update, no telemetry, no settings, no test of the network; and tests may open windows.
const preferences = {
  'app.normandy.enabled': false,
  'app.update.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'browser.tabs.remote.separatePrivilegedContentProcess': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'dom.disable_open_during_load': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,#remote-settings-dummy/v1',
  'toolkit.telemetry.enabled': false,
}

/** Firefox ESR by WebDriver BiDi. Playwright's channel for it listens to every request: all tests took 45 s that way, 28 s this way. */
export function firefoxEsr(): BrowserProviderOption {
  return driven('firefox-esr', async (launch, home) => {
    writeFileSync(
      join(home, 'user.js'),
      Object.entries(preferences)
        .map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`)
        .join(''),
    )
    const args = ['--headless', '--no-remote', '--profile', home, '--remote-debugging-port', '0', 'about:blank']
    const ask = await connect(await addressOf(launch('firefox-esr', args, { MOZ_CRASHREPORTER_DISABLE: '1' })))
    const { capabilities } = (await ask('session.new', { capabilities: {} })) as NewSession
    const { context } = (await ask('browsingContext.create', { type: 'tab' })) as { readonly context: string }
    return {
      version: capabilities.browserVersion,
      // 'none' answers before the page has loaded: the tests run while it loads.
      open: (url) => ask('browsingContext.navigate', { context, url, wait: 'none' }),
      close: () => ask('browser.close', {}),
    }
  })
}

interface NewSession {
  readonly capabilities: { readonly browserVersion: string }
}

function addressOf({ stderr }: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      const address = /WebDriver BiDi listening on (ws:\S+)\n/.exec(said)?.[1]
      if (address) resolve(`${address}/session`)
    })
    stderr?.on('close', () => reject(new Error(`Firefox ended before it listened:\n${said}`)))
  })
}

type Ask = (method: string, params: object) => Promise<unknown>

async function connect(address: string): Promise<Ask> {
  const socket = new WebSocket(address)
  await once(socket, 'open')
  const asked: PromiseWithResolvers<unknown>[] = []
  socket.addEventListener('message', ({ data }) => {
    const { id, type, result, error, message } = JSON.parse(String(data)) as Answer
    if (type === 'error') asked[id]?.reject(new Error(`Firefox says ${error}: ${message}`))
    else asked[id]?.resolve(result)
  })
  return (method, params) => {
    const answer = Promise.withResolvers<unknown>()
    const id = asked.push(answer) - 1
    socket.send(JSON.stringify({ id, method, params }))
    return answer.promise
  }
}

interface Answer {
  readonly id: number
  readonly type: 'success' | 'error' | 'event'
  readonly result?: unknown
  readonly error?: string
  readonly message?: string
}
