import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserProviderOption } from 'vitest/node'
import { driven } from './driven.ts'

// No requests of its own (updates, telemetry, settings, network tests), and tests may open windows.
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

/** Firefox ESR by WebDriver BiDi. Playwright's channel for it intercepts every request: all tests take 45 s with it, 28 s without. */
export function firefoxEsr(): BrowserProviderOption {
  return driven('firefox-esr', async (launch, home) => {
    writeFileSync(
      join(home, 'user.js'),
      Object.entries(preferences)
        .map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`)
        .join(''),
    )
    const args = ['--headless', '--no-remote', '--profile', home, '--remote-debugging-port', '0', 'about:blank']
    const send = await connect(await addressOf(launch('firefox-esr', args, { MOZ_CRASHREPORTER_DISABLE: '1' })))
    const { capabilities } = (await send('session.new', { capabilities: {} })) as NewSession
    const { context } = (await send('browsingContext.create', { type: 'tab' })) as { readonly context: string }
    return {
      version: capabilities.browserVersion,
      // 'none' returns before the page has loaded: the tests run while it loads.
      open: (url) => send('browsingContext.navigate', { context, url, wait: 'none' }),
      close: () => send('browser.close', {}),
    }
  })
}

interface NewSession {
  readonly capabilities: { readonly browserVersion: string }
}

function addressOf({ stderr }: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = ''
    stderr?.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      const address = /WebDriver BiDi listening on (ws:\S+)\n/.exec(output)?.[1]
      if (address) resolve(`${address}/session`)
    })
    stderr?.on('close', () => reject(new Error(`Firefox exited before it accepted connections:\n${output}`)))
  })
}

type SendCommand = (method: string, params: object) => Promise<unknown>

async function connect(address: string): Promise<SendCommand> {
  const socket = new WebSocket(address)
  await once(socket, 'open')
  const pending: PromiseWithResolvers<unknown>[] = []
  socket.addEventListener('message', ({ data }) => {
    const { id, type, result, error, message } = JSON.parse(String(data)) as CommandResult
    if (type === 'error') pending[id]?.reject(new Error(`Firefox returned ${error}: ${message}`))
    else pending[id]?.resolve(result)
  })
  return (method, params) => {
    const result = Promise.withResolvers<unknown>()
    const id = pending.push(result) - 1
    socket.send(JSON.stringify({ id, method, params }))
    return result.promise
  }
}

interface CommandResult {
  readonly id: number
  readonly type: 'success' | 'error' | 'event'
  readonly result?: unknown
  readonly error?: string
  readonly message?: string
}
