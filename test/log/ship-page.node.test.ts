import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { build } from 'esbuild'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { entries } from '../../scripts/entries.mjs'
import { root } from '../../scripts/support.mjs'
import { launchOptionsOf } from '../support/browsers/index.ts'
import { patience } from '../support/patience.ts'

const launchOptions = launchOptionsOf('chromium', 'shipping is NOT TRIED in a page in this run')
const numbers = (to: number): readonly number[] => Array.from({ length: to }, (_, i) => i)

describe.skipIf(launchOptions === undefined)('shipTo, in pages of Chromium', { timeout: 60_000 }, () => {
  let browser: Browser
  let context: BrowserContext
  let server: Server
  let url: string
  /** Message by id, and how often each came. */
  let received: Map<string, number>
  let arrivals: number
  let status: number

  beforeAll(async () => {
    browser = await chromium.launch(launchOptions)
    const { outputFiles } = await build({
      entryPoints: [join(root, 'test/log/ship-client.ts')],
      alias: Object.fromEntries(entries.map(({ name, source }) => [name, join(root, source)])),
      bundle: true,
      format: 'esm',
      target: 'es2022',
      write: false,
      logLevel: 'error',
    })
    const script = outputFiles[0]?.text ?? ''
    server = createServer((request, response) => {
      if (request.url === '/records') return void text(request).then((body) => response.writeHead(take(body)).end())
      if (request.url === '/client.js') return void response.setHeader('content-type', 'text/javascript').end(script)
      const client = request.url === '/' ? '<script type="module" src="/client.js"></script>' : ''
      response.setHeader('content-type', 'text/html').end(`<!doctype html>${client}`)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    server?.close()
  })

  beforeEach(async () => {
    received = new Map()
    arrivals = 0
    status = 200
    context = await browser.newContext()
  })
  afterEach(() => context.close())

  function take(body: string): number {
    const lines = body.trim().split('\n').slice(1)
    if (status !== 200) return status
    arrivals += lines.length
    for (const { id, message } of lines.map((line): { id: string; message: string } => JSON.parse(line))) received.set(id, Number(message))
    return status
  }

  async function open(): Promise<Page> {
    const page = await context.newPage()
    await page.goto(url)
    await page.waitForFunction('globalThis.write')
    return page
  }

  const all = () => [...received.values()].sort((a, b) => a - b)

  it('what was written right before the page is left arrives, then or with the next visit', async () => {
    for (let visit = 0; visit < 5; visit++) {
      const page = await open()
      await page.evaluate(`write(${visit * 100}, ${visit * 100 + 100})`)
      await page.goto(`${url}elsewhere`)
      await page.close()
    }
    const page = await open()
    await page.evaluate('flush()')
    expect(all()).toEqual(numbers(500))
  })

  it('what has come to the page arrives while it is left, without another visit', async () => {
    const page = await open()
    await page.evaluate('write(0, 50)')
    await page.evaluate('flush()')
    await page.evaluate('write(50, 100)')
    await page.waitForFunction('come() >= 100')
    await page.goto(`${url}elsewhere`)
    await vi.waitFor(() => expect(all()).toEqual(numbers(100)), patience)
  })

  it('of three tabs that write at once, each record arrives once', async () => {
    const tabs = [await open(), await open(), await open()]
    await Promise.all(tabs.map((tab, i) => tab.evaluate(`write(${i * 1_000}, ${i * 1_000 + 1_000})`)))
    await Promise.all(tabs.map((tab) => tab.evaluate('flush()')))
    expect(all()).toEqual(numbers(3_000))
    expect(arrivals).toBe(3_000)
  })

  it('a server that was away gets everything when it is back', async () => {
    status = 503
    const page = await open()
    await page.evaluate('write(0, 1200)')
    await page.close()
    expect(all()).toEqual([])
    status = 200
    await (await open()).evaluate('flush()')
    expect(all()).toEqual(numbers(1_200))
  })
})
