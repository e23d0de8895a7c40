// Makes docs/images/log-export-*.png: node scripts/run.mjs node scripts/pictures/log-export.mjs
import { join } from 'node:path'
import { build } from 'esbuild'
import { launchChromium } from '../chromium.mjs'
import { entries } from '../entries.mjs'
import { root } from '../support.mjs'

const alias = Object.fromEntries(entries.map(({ name, source }) => [name, join(root, source)]))
const { outputFiles } = await build({
  stdin: {
    contents: `import { exportLog } from 'chaintap/log-export'
      import { programLog } from './log-export-program.ts'
      export const page = await new Response(exportLog(await programLog(), { format: 'html', title: 'output.log' })).text()`,
    resolveDir: join(root, 'scripts/pictures'),
  },
  alias,
  bundle: true,
  platform: 'node',
  format: 'esm',
  write: false,
})
const program = `data:text/javascript;base64,${Buffer.from(outputFiles[0]?.contents ?? []).toString('base64')}`
const { page } = await import(program)

const browser = await launchChromium()
try {
  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    const tab = await browser.newPage({ viewport: { width: 1000, height: 1060 }, colorScheme })
    await tab.setContent(page)
    await tab.locator('summary', { hasText: 'tool Calculator' }).nth(1).click()
    await tab.evaluate(() => scrollTo(0, 0))
    await tab.mouse.move(0, 0)
    const path = process.argv[2] ? `${process.argv[2]}-${colorScheme}.png` : join(root, `docs/images/log-export-${colorScheme}.png`)
    await tab.screenshot({ path })
  }
} finally {
  await browser.close()
}
