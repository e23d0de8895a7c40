// Makes docs/images/log-viewer-*.png: node scripts/run.mjs node scripts/pictures/log-viewer.mjs
import { join } from 'node:path'
import { build } from 'esbuild'
import { launchChromium } from '../chromium.mjs'
import { entries } from '../entries.mjs'
import { root } from '../support.mjs'

const alias = Object.fromEntries(entries.map(({ name, source }) => [name, join(root, source)]))
const { outputFiles } = await build({
  entryPoints: [join(root, 'scripts/pictures/log-viewer-page.ts')],
  absWorkingDir: root,
  alias,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  write: false,
})
const script = outputFiles[0]?.text ?? ''
const style = 'body { margin: 0; padding: 20px; background: light-dark(#f5f6f4, #0f1413) } chaintap-log { block-size: 616px }'
const page = `<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark"><style>${style}</style><script type="module">${script.replaceAll('</script', '<\\/script')}</script>`

const browser = await launchChromium()
try {
  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 656 }, colorScheme, reducedMotion: 'reduce' })
    const tab = await context.newPage()
    tab.on('pageerror', (error) => console.error(error))
    await tab.clock.setFixedTime(new Date(2026, 10, 21, 9, 42))
    await tab.route('**/*', (route) => route.fulfill({ contentType: 'text/html', body: page }))
    await tab.goto('http://localhost/')
    await tab.getByText('StringOutputParser').last().waitFor()
    await tab.evaluate('goOn()')
    await tab.getByRole('treeitem', { name: /ChatAnthropic.*running/ }).waitFor()
    await tab
      .getByRole('treeitem', { name: /ChatAnthropic\D*53/ })
      .last()
      .click()
    await tab.getByText('USD').waitFor()
    await tab.mouse.move(0, 0)
    await tab.screenshot({
      path: process.argv[2] ? `${process.argv[2]}-${colorScheme}.png` : join(root, `docs/images/log-viewer-${colorScheme}.png`),
    })
  }
} finally {
  await browser.close()
}
