import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { BrowserProviderOption } from 'vitest/node'
import { driven, type Launch } from './driven.ts'

/** WebKitGTK's MiniBrowser by WebDriver: Playwright only starts its own WebKit. */
export function webkitgtk(): BrowserProviderOption {
  return driven('webkitgtk', async (launch) => {
    const display = await screen(launch)
    const port = await freePort()
    launch('WebKitWebDriver', [`--port=${port}`, '--host=127.0.0.1'], { DISPLAY: display })
    const driver = `http://127.0.0.1:${port}`
    await untilReady(driver)
    // 'none' returns before the page has loaded: the tests run while it loads.
    const body = { capabilities: { alwaysMatch: { pageLoadStrategy: 'none' } } }
    const { sessionId, capabilities } = (await sendCommand('POST', `${driver}/session`, body)) as NewSession
    const session = `${driver}/session/${sessionId}`
    return {
      version: `GTK ${capabilities.browserVersion}`,
      open: (url) => sendCommand('POST', `${session}/url`, { url }),
      close: () => sendCommand('DELETE', session),
    }
  })
}

interface NewSession {
  readonly sessionId: string
  readonly capabilities: { readonly browserVersion: string }
}

/**
 * Starts a virtual screen even if there is a real one: a visible window may be closed by the user, and a covered one runs slowly.
 * Not by xvfb-run: it needs xauth, which Xvfb only recommends, and leaves Xvfb running when it is killed.
 */
export async function screen(launch: Launch): Promise<string> {
  const [, , , display] = launch('Xvfb', ['-displayfd', '3', '-nolisten', 'tcp']).stdio
  if (!display) throw new Error('Xvfb has no pipe to report its display')
  const [number] = (await once(display, 'data')) as [Buffer]
  return `:${number.toString().trim()}`
}

async function untilReady(driver: string, tries = 300): Promise<void> {
  try {
    await sendCommand('GET', `${driver}/status`)
  } catch (error) {
    if (tries === 0) throw error
    await setTimeout(100)
    await untilReady(driver, tries - 1)
  }
}

async function sendCommand(method: 'GET' | 'POST' | 'DELETE', url: string, body?: unknown): Promise<unknown> {
  const response = await fetch(url, { method, ...(body !== undefined && { body: JSON.stringify(body) }) })
  const { value } = (await response.json()) as { readonly value: unknown }
  if (!response.ok) throw new Error(`WebKitWebDriver returned an error for ${method} ${url}: ${JSON.stringify(value)}`)
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
