import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import axe from 'axe-core'
import type { LogStore } from 'chaintap/log'
import { exportLog } from 'chaintap/log-export'
import { type Browser, chromium } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { programLog } from '../../../scripts/pictures/log-export-program.ts'
import { launchOptionsOf } from '../../support/browsers/index.ts'
import { recordsIn } from './samples.ts'

const launchOptions = launchOptionsOf('chromium', 'exported pages are NOT TESTED in this run')

describe.skipIf(launchOptions === undefined)('an exported page, in Chromium without a network', { timeout: 60_000 }, () => {
  let browser: Browser
  let folder: string
  let url: string
  let html: string
  let store: LogStore

  beforeAll(async () => {
    browser = await chromium.launch(launchOptions)
    folder = await mkdtemp(join(tmpdir(), 'chaintap-export-'))
    store = await programLog()
    html = await new Response(exportLog(store, { format: 'html', title: 'output.log', tokens: true })).text()
    writeFileSync(join(folder, 'output.html'), html)
    url = pathToFileURL(join(folder, 'output.html')).href
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function open(colorScheme: 'light' | 'dark') {
    const context = await browser.newContext({ colorScheme, offline: true })
    const page = await context.newPage()
    const requests: string[] = []
    const messages: string[] = []
    page.on('request', (request) => requests.push(request.url()))
    page.on('console', (message) => messages.push(message.text()))
    page.on('pageerror', (error) => messages.push(error.message))
    await page.goto(url)
    return { page, requests, messages, close: () => context.close() }
  }

  it('opens without requests, console messages or errors', async () => {
    const { page, requests, messages, close } = await open('light')
    expect(await page.title()).toBe('output.log')
    await page.getByRole('link', { name: 'AgentExecutor' }).first().click()
    expect(await page.evaluate(() => document.querySelector(':target h2')?.textContent)).toBe('AgentExecutor')
    await page.locator('summary').first().click()
    await page.waitForLoadState('networkidle')
    expect(requests.filter((request) => !request.startsWith(url))).toEqual([])
    expect(messages).toEqual([])
    expect(await page.evaluate(() => performance.getEntriesByType('resource').length)).toBe(0)
    await close()
  })

  it('requests only itself from a server', async () => {
    const requested: string[] = []
    const server = createServer((request, response) => {
      requested.push(request.url ?? '')
      response.setHeader('content-type', 'text/html').end(html)
    }).listen(0, '127.0.0.1')
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/page`)
    await page.waitForLoadState('networkidle')
    await page.close()
    server.close()
    expect(requested).toEqual(['/page'])
  })

  it('contains every run and every free record', async () => {
    const { page, close } = await open('light')
    await page.evaluate(() => {
      for (const details of document.querySelectorAll('details')) details.open = true
    })
    const text = await page.evaluate(() => document.body.innerText)
    const records = await recordsIn(store)
    const runs = new Map(records.flatMap((record) => ('run' in record ? [[record.run.id, record.run] as const] : [])))
    expect(runs.size).toBeGreaterThan(15)
    for (const { name, kind } of runs.values()) expect(text).toContain(`${kind} ${name}`)
    const roots = [...runs.values()].filter(({ id, rootId }) => id === rootId)
    expect(await page.locator('section > h2').allTextContents()).toEqual(roots.map(({ name }) => name))
    expect(await page.locator('nav a').count()).toBe(roots.length)
    const starts = records.filter((record) => 'run' in record && record.type === 'start').length
    expect(await page.locator('summary, section > div', { hasText: '▶' }).count()).toBe(starts)
    expect(starts).toBe(runs.size)
    for (const record of records) if ('message' in record) expect(text).toContain(record.message)
    for (const expected of ['The line broke <off>.', 'caused by a cable', 'The run failed.', 'The run was stopped.', '1 + 2 = 3.'])
      expect(text.replaceAll(/\s+/g, ' ')).toContain(expected)
    await close()
  })

  it.each(['light', 'dark'] as const)('passes axe, %s', async (scheme) => {
    const { page, close } = await open(scheme)
    await page.evaluate(() => {
      for (const details of document.querySelectorAll('details')) details.open = true
    })
    // evaluate() uses the debugger, which the page's CSP does not restrict.
    await page.evaluate(axe.source)
    const results = await page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run())
    expect(results.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([])
    // axe cannot judge the contrast of symbols alone (▶ ■). Their colours are checked where they are used for words.
    const unsure = results.incomplete.flatMap(({ id, nodes }) =>
      nodes.flatMap(({ any }) => any.map(({ data }) => `${id}: ${data?.messageKey}`)),
    )
    expect([...new Set(unsure)]).toEqual(['color-contrast: nonBmp'])
    expect(results.passes.map(({ id }) => id)).toContain('color-contrast')
    await close()
  })

  it('fits a viewport of 320 px without horizontal scrolling', async () => {
    const context = await browser.newContext({ viewport: { width: 320, height: 640 } })
    const page = await context.newPage()
    await page.goto(url)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320)
    await context.close()
  })

  it('runs no injected script', async () => {
    const context = await browser.newContext({ offline: true })
    const page = await context.newPage()
    await page.setContent(html.replace('</main>', '<script>document.title = "owned"</script><img src="http://elsewhere/x.png"></main>'))
    expect(await page.title()).toBe('output.log')
    await context.close()
  })
})
