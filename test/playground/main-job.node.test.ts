import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { type Browser, chromium, type Page } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { launchOptionsOf } from '../support/browsers/index.ts'
import { type Playground, startPlayground } from '../support/playground.ts'

const launchOptions = launchOptionsOf('chromium', 'the playground is NOT LOOKED AT in this run')
const seed = Number(process.env.FAST_CHECK_SEED ?? Math.floor(Math.random() * 2 ** 31))
const patience = { timeout: 60_000, interval: 100 }
/** Some 30 tokens. */
const longQuestion = 'Tell me a joke about a bear that sings - dances - paints - writes - cooks - reads - swims'

interface Asked {
  readonly sum: string
  readonly value: number
}

/** Sums of so many products of two, with their value as JavaScript has it. */
function sums(terms: number): fc.Arbitrary<Asked> {
  const factor = fc.integer({ min: 0, max: 99 })
  const term = fc.record({ sign: fc.constantFrom('+', '-'), a: factor, b: factor })
  return fc.array(term, { minLength: terms, maxLength: terms }).map((given) => ({
    sum: given.map(({ sign, a, b }, i) => `${i === 0 ? '' : `${sign} `}${a} * ${b}`).join(' '),
    value: given.reduce((value, { sign, a, b }, i) => value + (sign === '-' && i > 0 ? -a * b : a * b), 0),
  }))
}

describe.skipIf(launchOptions === undefined)('the playground, as npm start serves it', { timeout: 120_000 }, () => {
  let playground: Playground
  let browser: Browser
  let page: Page
  const errors: Error[] = []

  beforeAll(async () => {
    console.log(`random sums by seed ${seed}`)
    playground = await startPlayground()
    browser = await chromium.launch(launchOptions)
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await playground?.stop()
  }, 60_000)

  beforeEach(async () => {
    const context = await browser.newContext({ viewport: { width: 360, height: 740 } })
    context.setDefaultTimeout(60_000)
    context.on('weberror', ({ error }) => errors.push(error()))
    page = await context.newPage()
  })

  afterEach(async () => {
    await page.context().close()
    expect(errors.splice(0)).toEqual([])
  })

  /** Opens the page, with an offline model that takes so many ms for a token. */
  async function open(pace: number): Promise<void> {
    await page.goto(`${playground.url}?pace=${pace}`)
    await page.getByText('offline model', { exact: true }).waitFor()
  }

  async function ask(question: string): Promise<void> {
    await page.getByLabel('Question', { exact: true }).fill(question)
    await page.getByRole('button', { name: 'Ask' }).click()
  }

  const answer = () => page.getByRole('log', { name: 'Answer' })
  const outcome = (status: string) => page.getByRole('status').filter({ hasText: status }).waitFor()
  const speaking = () => page.waitForFunction(() => document.querySelector('#answer')?.textContent !== '')
  const upstream = async () => (await (await fetch(`${playground.url}api/upstream`)).json()) as { open: number; cancelled: number }

  it.each(fc.sample(fc.integer({ min: 1, max: 4 }).chain(sums), { numRuns: 5, seed }))('answers $sum', async ({ sum, value }) => {
    await open(0)
    await ask(`What is ${sum}?`)
    await outcome('complete')
    expect(await answer().textContent()).toBe(`${sum} = ${value}.`)
  })

  it('shows an answer token by token, while the Worker still hears the model', async () => {
    const [{ sum, value }] = fc.sample(sums(8), { numRuns: 1, seed }) as [Asked]
    await open(200)
    const states = await page.evaluateHandle(() => {
      const seen: string[] = []
      const shown = document.querySelector('#answer') as HTMLElement
      new MutationObserver(() => seen.push(shown.textContent)).observe(shown, { childList: true, subtree: true, characterData: true })
      return seen
    })
    await ask(`What is ${sum}?`)
    await page.waitForFunction((seen) => seen.length > 0, states)
    expect(await upstream()).toMatchObject({ open: 1 })
    await outcome('complete')
    const whole = `${sum} = ${value}.`
    const seen = await states.jsonValue()
    expect(seen.at(-1)).toBe(whole)
    expect(seen.filter((state) => !whole.startsWith(state))).toEqual([])
    expect(new Set(seen.filter((state) => state !== '' && state !== whole)).size).toBeGreaterThanOrEqual(5)
    expect(await upstream()).toMatchObject({ open: 0 })
  })

  it('shows the runs of the chain, and what went in and came out', async () => {
    await open(0)
    await ask('What is 17 + 4 * 2?')
    await outcome('complete')
    const child = (kind: string, name: string) => ({ kind, name, state: 'ended', below: [] })
    const below = [child('prompt', 'ChatPromptTemplate'), child('chat model', 'ChatAnthropic'), child('parser', 'StringOutputParser')]
    const sequence = { ...child('chain', 'RunnableSequence'), below }
    expect(await page.evaluate(treeOf)).toEqual([{ ...child('chain', 'RemoteRunnable'), below: [sequence] }])
    const model = page.locator('summary', { hasText: 'ChatAnthropic' })
    expect(await model.textContent()).toMatch(/8 tokens · 8 in, 8 out$/)
    await model.press('Enter')
    await page.getByText('"content": "17 + 4 * 2 = 25."').waitFor()
  })

  it('runs an agent: its answer is what streams in, its thoughts and tools are in the tree', async () => {
    await open(0)
    await page.getByRole('button', { name: 'What is 2 raised to the 0.235 power?' }).click()
    await outcome('complete')
    expect(await answer().textContent()).toBe(String(2 ** 0.235))
    const [root] = await page.evaluate(treeOf)
    const [, agent] = root?.below[0]?.below ?? []
    expect(agent).toMatchObject({ kind: 'agent', name: 'AgentExecutor', state: 'ended' })
    expect(agent?.below.map(({ name }) => name)).toEqual(['LLMChain', 'Calculator', 'LLMChain'])
    await page.locator('summary', { hasText: 'AgentExecutor' }).press('Enter')
    await page.getByText('"toolInput": "2 ^ 0.235"').waitFor()
  })

  it('counts tokens and cost while an answer streams, by estimate, and the session', async () => {
    await open(600)
    await ask('What is 17 + 4 * 2?')
    const figure = (id: string) => page.locator(`#${id}`)
    await figure('usage')
      .filter({ hasText: /^≈ \d+ in, \d+ out$/ })
      .waitFor()
    await figure('cost')
      .filter({ hasText: /^≈ \$0\.0000\d+$/ })
      .waitFor()
    await outcome('complete')
    // 8 in at $1 and 8 out at $5 for a million.
    expect(await figure('usage').textContent()).toBe('8 in, 8 out')
    expect(await figure('cost').textContent()).toBe('$0.000048')
    await ask('What is 17 + 4 * 2?')
    await figure('session').filter({ hasText: '32 tokens, $0.000096' }).waitFor()
  })

  it('P10: a log of all runs outlives the tab, killed in the middle of an answer', async () => {
    await open(0)
    await page.getByRole('button', { name: 'What is 2 raised to the 0.235 power?' }).click()
    await outcome('complete')
    await open(300)
    await ask(longQuestion)
    await speaking()
    // What was said half a second ago is written by now.
    const said = (await answer().textContent()) ?? ''
    await page.waitForTimeout(500)
    const session = await page.context().newCDPSession(page)
    const crashed = page.waitForEvent('crash')
    // It is never answered.
    session.send('Page.crash').catch(() => {})
    await crashed

    page = await page.context().newPage()
    await open(0)
    // Only lines in sight are in the page.
    await page.addStyleTag({ content: 'chaintap-log { height: 2000px }' })
    const log = page.locator('chaintap-log')
    const runs = log.getByRole('treeitem')
    await runs.filter({ hasText: 'AgentExecutor' }).waitFor()
    expect(await runs.filter({ hasText: 'RunnableSequence' }).count()).toBe(2)
    await runs.filter({ hasText: 'ChatAnthropic' }).last().click()
    await log.getByText(said.slice(0, 20)).first().waitFor()
  })

  it('gives the log away as a page', async () => {
    await open(0)
    await ask('What is 17 + 4 * 2?')
    await outcome('complete')
    const downloading = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export as a page' }).click()
    const download = await downloading
    expect(download.suggestedFilename()).toBe('playground.html')
    expect(await readFile(await download.path(), 'utf8')).toContain('17 + 4 * 2 = 25.')
  })

  it('P2: stop closes the upstream of the Worker', async () => {
    const { cancelled } = await upstream()
    await open(500)
    await ask(longQuestion)
    await speaking()
    expect(await upstream()).toMatchObject({ open: 1, cancelled })
    await page.getByRole('button', { name: 'Stop' }).click()
    await outcome('stopped')
    await vi.waitFor(async () => expect(await upstream()).toMatchObject({ open: 0, cancelled: cancelled + 1 }), patience)
    expect(await page.locator('[data-state=running]').count()).toBe(0)
    expect(await answer().textContent()).toMatch(/^Why/)
  })

  it('an answer that goes on without the page is there when the page is loaded anew, from its first word', async () => {
    await open(200)
    await page.getByLabel('a chain that goes on without the page').check()
    await ask(longQuestion)
    await speaking()
    await page.reload()
    await page.getByText('offline model', { exact: true }).waitFor()
    await speaking()
    expect(await upstream()).toMatchObject({ open: 1 })
    await outcome('complete')
    expect(await answer().textContent()).toMatch(/^Why .*swims/)
    expect(await upstream()).toMatchObject({ open: 0 })
    await page.reload()
    await page.getByText('offline model', { exact: true }).waitFor()
    expect(await answer().textContent()).toBe('')
  })

  it('stop ends an answer that goes on without the page, on the server', async () => {
    const { cancelled } = await upstream()
    await open(500)
    await page.getByLabel('a chain that goes on without the page').check()
    await ask(longQuestion)
    await speaking()
    await page.getByRole('button', { name: 'Stop' }).click()
    await outcome('stopped')
    await vi.waitFor(async () => expect(await upstream()).toMatchObject({ open: 0, cancelled: cancelled + 1 }), patience)
  })

  it('P2: closing the tab closes the upstream of the Worker', async () => {
    const { cancelled } = await upstream()
    await open(500)
    await ask(longQuestion)
    await speaking()
    expect(await upstream()).toMatchObject({ open: 1, cancelled })
    await page.close()
    await vi.waitFor(async () => expect(await upstream()).toMatchObject({ open: 0, cancelled: cancelled + 1 }), patience)
  })

  it('shows what a model says as text, on a phone too', async () => {
    const said = `<img src=x onerror="document.title='run'"> ${'very'.repeat(8)}`
    await open(0)
    const images = await page.locator('img').count()
    await ask(`Tell me a joke about ${said}`)
    await outcome('complete')
    expect(await answer().textContent()).toContain(said)
    for (const line of await page.locator('summary').all()) await line.click()
    await page.locator('pre', { hasText: 'onerror' }).last().waitFor()
    expect(await page.locator('#answer *, pre *').count()).toBe(0)
    expect(await page.locator('img').count()).toBe(images)
    expect(await page.title()).toBe('chaintap playground')
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
  })

  it('says in words what the Worker refuses, and that it cannot be reached', async () => {
    await open(0)
    await ask('1'.repeat(17_000))
    await page.getByRole('alert').filter({ hasText: 'The body is too large' }).waitFor()
    await page.route('**/api/chain*', (route) => route.abort())
    await ask('hello')
    await page.getByRole('alert').filter({ hasText: 'Could not reach' }).waitFor()
    await outcome('failed')
  })
})

interface Shown {
  readonly kind: string | undefined
  readonly name: string | undefined
  readonly state: string | undefined
  readonly below: readonly Shown[]
}

/** The tree as the page shows it. Runs there: it can use nothing from around it. */
function treeOf(): readonly Shown[] {
  const listed = (list: Element | null): readonly Shown[] =>
    [...(list?.children ?? [])].map((run) => {
      const text = (part: string) => run.querySelector(`:scope > details > summary ${part}`)?.textContent
      return { kind: text('.kind'), name: text('.name'), state: text('.state'), below: listed(run.querySelector(':scope > ul')) }
    })
  return listed(document.querySelector('#runs'))
}
