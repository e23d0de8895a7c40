import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { BrowserProviderOption } from 'vitest/node'
import { driven, type Launch } from './driven.ts'

/** WebKitGTK's MiniBrowser, by WebDriver: playwright starts no WebKit but its own. */
export function webkitgtk(): BrowserProviderOption {
  return driven('webkitgtk', async (launch) => {
    const display = await screen(launch)
    const port = await freePort()
    launch('WebKitWebDriver', [`--port=${port}`, '--host=127.0.0.1'], { DISPLAY: display })
    const driver = `http://127.0.0.1:${port}`
    await untilReady(driver)
    // 'none' answers before the page has loaded: the tests run while it loads.
    const asked = { capabilities: { alwaysMatch: { pageLoadStrategy: 'none' } } }
    const { sessionId, capabilities } = (await ask('POST', `${driver}/session`, asked)) as NewSession
    const session = `${driver}/session/${sessionId}`
    return {
      version: `GTK ${capabilities.browserVersion}`,
      open: (url) => ask('POST', `${session}/url`, { url }),
      close: () => ask('DELETE', session),
    }
  })
}

interface NewSession {
  readonly sessionId: string
  readonly capabilities: { readonly browserVersion: string }
}

/**
 * A screen of its own even where there is one: a window in somebody's way gets closed, and one that is covered runs slowly.
 * Not by xvfb-run: it needs xauth, which comes with Xvfb only as a recommendation, and killed it leaves Xvfb behind.
 */
export async function screen(launch: Launch): Promise<string> {
  const [, , , display] = launch('Xvfb', ['-displayfd', '3', '-nolisten', 'tcp']).stdio
  if (!display) throw new Error('Xvfb has no pipe to say its display in')
  const [number] = (await once(display, 'data')) as [Buffer]
  return `:${number.toString().trim()}`
}

async function untilReady(driver: string, tries = 300): Promise<void> {
  try {
    await ask('GET', `${driver}/status`)
  } catch (error) {
    if (tries === 0) throw error
    await setTimeout(100)
    await untilReady(driver, tries - 1)
  }
}

async function ask(method: 'GET' | 'POST' | 'DELETE', url: string, body?: unknown): Promise<unknown> {
  const response = await fetch(url, { method, ...(body !== undefined && { body: JSON.stringify(body) }) })
  const { value } = (await response.json()) as { readonly value: unknown }
  if (!response.ok) throw new Error(`WebKitWebDriver answered ${method} ${url} with ${JSON.stringify(value)}`)
  return value
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('127.0.0.1 has no free port')
  return address.port
}
