import { type Browser, type BrowserContext, chromium, type Page } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { launchOptionsOf } from '../../support/browsers/index.ts'
import { type Answer, bundled, type PageSite, startPageSite } from '../../support/page-site.ts'
import { patience } from '../../support/patience.ts'

const launchOptions = launchOptionsOf('chromium', 'shipping is NOT TRIED in a page in this run')
const numbers = (to: number): readonly number[] => Array.from({ length: to }, (_, i) => i)

describe.skipIf(launchOptions === undefined)('shipTo, in pages of Chromium', { timeout: 60_000 }, () => {
  let browser: Browser
  let context: BrowserContext
  let site: PageSite
  /** Messages by record id; `arrivals` counts repeated deliveries too. */
  let received: Map<string, number>
  let arrivals: number
  let answer: Answer

  beforeAll(async () => {
    browser = await chromium.launch(launchOptions)
    site = await startPageSite({ client: await bundled('test/log/pages/shipping.ts') }, (_, body) => take(body))
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    site?.close()
  })

  beforeEach(async () => {
    received = new Map()
    arrivals = 0
    answer = {}
    context = await browser.newContext()
  })
  afterEach(() => context.close())

  function take(body: string): Answer {
    if (answer.status !== undefined) return answer
    const lines = body.trim().split('\n').slice(1)
    arrivals += lines.length
    for (const { id, message } of lines.map((line): { id: string; message: string } => JSON.parse(line))) received.set(id, Number(message))
    return answer
  }

  async function open(): Promise<Page> {
    const page = await context.newPage()
    await page.goto(site.url)
    await page.waitForFunction('globalThis.write')
    return page
  }

  const all = () => [...received.values()].sort((a, b) => a - b)

  it('delivers records written right before the page is left, then or with the next visit', async () => {
    for (let visit = 0; visit < 5; visit++) {
      const page = await open()
      await page.evaluate(`write(${visit * 100}, ${visit * 100 + 100})`)
      await page.goto(`${site.url}/elsewhere`)
      await page.close()
    }
    const page = await open()
    await page.evaluate('flush()')
    expect(all()).toEqual(numbers(500))
  })

  it('delivers records of the page while it is left, without another visit', async () => {
    const page = await open()
    await page.evaluate('write(0, 50)')
    await page.evaluate('flush()')
    await page.evaluate('write(50, 100)')
    await page.waitForFunction('come() >= 100')
    await page.goto(`${site.url}/elsewhere`)
    await vi.waitFor(() => expect(all()).toEqual(numbers(100)), patience)
  })

  it('delivers each record exactly once if three tabs write at the same time', async () => {
    const tabs = [await open(), await open(), await open()]
    await Promise.all(tabs.map((tab, i) => tab.evaluate(`write(${i * 1_000}, ${i * 1_000 + 1_000})`)))
    await Promise.all(tabs.map((tab) => tab.evaluate('flush()')))
    expect(all()).toEqual(numbers(3_000))
    expect(arrivals).toBe(3_000)
  })

  it('delivers everything after the server was unavailable', async () => {
    answer = { status: 503 }
    const page = await open()
    await page.evaluate('write(0, 1200)')
    await page.close()
    expect(all()).toEqual([])
    answer = {}
    await (await open()).evaluate('flush()')
    expect(all()).toEqual(numbers(1_200))
  })

  it('ends with ship_refused if the server redirects, e.g. to a sign-in page, and delivers everything later', async () => {
    answer = { status: 302, headers: { location: '/elsewhere' } }
    const page = await open()
    await page.evaluate('write(0, 10)')
    expect(await page.evaluate('flush().catch(({ code }) => code)')).toBe('ship_refused')
    await page.close()
    answer = {}
    await (await open()).evaluate('flush()')
    expect(all()).toEqual(numbers(10))
  })
})
