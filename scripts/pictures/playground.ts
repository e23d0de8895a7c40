// Makes docs/images/playground-*.png and agent-light.png: node scripts/run.mjs node scripts/pictures/playground.ts
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright'
import { launchOptionsOf } from '../../test/support/browsers/index.ts'
import { startPlayground } from '../../test/support/playground.ts'
import { root } from '../support.mjs'

type Scheme = 'light' | 'dark'

/** Each picture: its name, its theme, and the steps before the screenshot. */
const pictures: readonly (readonly [name: string, scheme: Scheme, prepare: (page: Page) => Promise<void>])[] = [
  ['playground-light', 'light', chain],
  ['playground-dark', 'dark', chain],
  ['agent-light', 'light', agent],
]

/** Answers one question, and starts another one. */
async function chain(page: Page): Promise<void> {
  await answered(page, 'What is 17 + 4 * 2?')
  await page.getByRole('button', { name: 'Tell me a joke about bears' }).click()
  await page.waitForFunction(() => (document.querySelector('#answer')?.textContent?.length ?? 0) > 40)
}

async function agent(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'What is 2 raised to the 0.235 power?' }).click()
  await isComplete(page)
}

async function answered(page: Page, question: string): Promise<void> {
  await page.getByLabel('Question', { exact: true }).fill(question)
  await page.getByRole('button', { name: 'Ask' }).click()
  await isComplete(page)
}

const isComplete = (page: Page): Promise<void> => page.getByRole('status').filter({ hasText: 'complete' }).waitFor()

async function take(browser: Browser, url: string, [name, colorScheme, prepare]: (typeof pictures)[number]): Promise<void> {
  const page = await browser.newPage({ colorScheme, viewport: { width: 1180, height: 1080 } })
  await page.goto(url)
  await page.getByText('offline model', { exact: true }).waitFor()
  await prepare(page)
  await page.screenshot({ path: join(root, 'docs', 'images', `${name}.png`) })
  await page.close()
}

const playground = await startPlayground()
const browser = await chromium.launch(launchOptionsOf('chromium') ?? {})
try {
  for (const picture of pictures) await take(browser, playground.url, picture)
} finally {
  await browser.close()
  await playground.stop()
}
