import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { type Browser, chromium, type Page } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { launchOptionsOf } from '../support/browsers/index.ts'
import { type Playground, startPlayground } from '../support/playground.ts'

const launchOptions = launchOptionsOf('chromium', 'the playground is NOT TESTED in this run')
const seed = Number(process.env.FAST_CHECK_SEED ?? Math.floor(Math.random() * 2 ** 31))
const patience = { timeout: 60_000, interval: 100 }
/** About 30 tokens. */
const longQuestion = 'Tell me a joke about a bear that sings - dances - paints - writes - cooks - reads - swims'

interface Sum {
  readonly sum: string
  readonly value: number
}

/** Random sums of `terms` products, with their value computed by JavaScript. */
function sums(terms: number): fc.Arbitrary<Sum> {
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

  /** Opens the page. The offline model takes `pace` ms for each token. */
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

  it('shows an answer token by token while the model still streams', async () => {
    const [{ sum, value }] = fc.sample(sums(8), { numRuns: 1, seed }) as [Sum]
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

  it('shows the runs of the chain with input and output', async () => {
    await open(0)
    await ask('What is 17 + 4 * 2?')
    await outcome('complete')
    const child = (kind: string, name: string) => ({ kind, name, state: 'ended', below: [] })
    const below = [child('prompt', 'ChatPromptTemplate'), child('chat model', 'ChatOpenAI'), child('parser', 'StringOutputParser')]
    const sequence = { ...child('chain', 'RunnableSequence'), below }
    expect(await page.evaluate(treeOf)).toEqual([{ ...child('chain', 'RemoteRunnable'), below: [sequence] }])
    const model = page.locator('summary', { hasText: 'ChatOpenAI' })
    expect(await model.textContent()).toMatch(/8 tokens · 21 in, 8 out$/)
    await model.press('Enter')
    await page.getByText('"content": "17 + 4 * 2 = 25."').waitFor()
  })

  it('runs an agent: streams its answer, and shows its thoughts and tools in the tree', async () => {
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

  it('shows estimated tokens and cost during an answer, and the sum of the session', async () => {
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
    // 21 input tokens at $1 and 8 output tokens at $5 per million.
    expect(await figure('usage').textContent()).toBe('21 in, 8 out')
    expect(await figure('cost').textContent()).toBe('$0.000061')
    await ask('What is 17 + 4 * 2?')
    await figure('session').filter({ hasText: '58 tokens, $0.00012' }).waitFor()
  })

  it('the log of all runs survives a tab that is killed in the middle of an answer (P10)', async () => {
    await open(0)
    await page.getByRole('button', { name: 'What is 2 raised to the 0.235 power?' }).click()
    await outcome('complete')
    await open(300)
    await ask(longQuestion)
    await speaking()
    // Tokens received half a second ago are written by now.
    const streamed = (await answer().textContent()) ?? ''
    await page.waitForTimeout(500)
    const session = await page.context().newCDPSession(page)
    const crashed = page.waitForEvent('crash')
    // This call never resolves.
    session.send('Page.crash').catch(() => {})
    await crashed

    page = await page.context().newPage()
    await open(0)
    // Only visible lines are rendered.
    await page.addStyleTag({ content: 'chaintap-log { height: 2000px }' })
    const log = page.locator('chaintap-log')
    const runs = log.getByRole('treeitem')
    await runs.filter({ hasText: 'AgentExecutor' }).waitFor()
    expect(await runs.filter({ hasText: 'RunnableSequence' }).count()).toBe(2)
    await runs.filter({ hasText: 'ChatOpenAI' }).last().click()
    await log.getByText(streamed.slice(0, 20)).first().waitFor()
  })

  it('exports the log as HTML', async () => {
    await open(0)
    await ask('What is 17 + 4 * 2?')
    await outcome('complete')
    const downloading = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export as a page' }).click()
    const download = await downloading
    expect(download.suggestedFilename()).toBe('playground.html')
    expect(await readFile(await download.path(), 'utf8')).toContain('17 + 4 * 2 = 25.')
  })

  it('Stop closes the upstream of the Worker (P2)', async () => {
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

  it('a resumable answer is shown from its start after a reload', async () => {
    await open(200)
    await page.getByLabel('a chain that continues without the page').check()
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

  it('Stop ends a resumable answer on the server', async () => {
    const { cancelled } = await upstream()
    await open(500)
    await page.getByLabel('a chain that continues without the page').check()
    await ask(longQuestion)
    await speaking()
    await page.getByRole('button', { name: 'Stop' }).click()
    await outcome('stopped')
    await vi.waitFor(async () => expect(await upstream()).toMatchObject({ open: 0, cancelled: cancelled + 1 }), patience)
  })

  it('closing the tab closes the upstream of the Worker (P2)', async () => {
    const { cancelled } = await upstream()
    await open(500)
    await ask(longQuestion)
    await speaking()
    expect(await upstream()).toMatchObject({ open: 1, cancelled })
    await page.close()
    await vi.waitFor(async () => expect(await upstream()).toMatchObject({ open: 0, cancelled: cancelled + 1 }), patience)
  })

  it('shows the output of a model as text, also on a phone', async () => {
    const streamed = `<img src=x onerror="document.title='run'"> ${'very'.repeat(8)}`
    await open(0)
    const images = await page.locator('img').count()
    await ask(`Tell me a joke about ${streamed}`)
    await outcome('complete')
    expect(await answer().textContent()).toContain(streamed)
    for (const line of await page.locator('summary').all()) await line.click()
    await page.locator('pre', { hasText: 'onerror' }).last().waitFor()
    expect(await page.locator('#answer *, pre *').count()).toBe(0)
    expect(await page.locator('img').count()).toBe(images)
    expect(await page.title()).toBe('chaintap playground')
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
  })

  it('shows the message of a refused request, and of an unreachable Worker', async () => {
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

/** The tree as the page shows it. Evaluated in the page, so it must not use outer variables. */
function treeOf(): readonly Shown[] {
  const listed = (list: Element | null): readonly Shown[] =>
    [...(list?.children ?? [])].map((run) => {
      const text = (part: string) => run.querySelector(`:scope > details > summary ${part}`)?.textContent
      return { kind: text('.kind'), name: text('.name'), state: text('.state'), below: listed(run.querySelector(':scope > ul')) }
    })
  return listed(document.querySelector('#runs'))
}
