import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { root } from '../scripts/support.mjs'

const pages = ['README.md', ...readdirSync(join(root, 'docs')).flatMap((file) => (file.endsWith('.md') ? [`docs/${file}`] : []))]
const folder = join(root, 'test/types/.docs')

interface Example {
  readonly page: string
  readonly line: number
  readonly code: string
}

/** The TypeScript of a page. What its examples take for granted stands in a comment of it, `<!-- shared … -->`. */
function examplesOf(page: string): readonly Example[] {
  const text = readFileSync(join(root, page), 'utf8')
  const blocks = [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)]
  const shared = [...text.matchAll(/^<!-- shared\n([\s\S]*?)^-->$/gm)].map(([, code]) => code).join('')
  return blocks.map((block) => ({
    page,
    line: text.slice(0, block.index).split('\n').length,
    code: `${shared}${block[1]}\nexport {}\n`,
  }))
}

const examples = pages.flatMap(examplesOf)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('every example of the README and the guides compiles', () => {
  mkdirSync(folder, { recursive: true })
  const names = examples.map(({ page, line, code }) => {
    const name = `${page.replace(/\W/g, '-')}-${line}.ts`
    writeFileSync(join(folder, name), code)
    return name
  })
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.json', compilerOptions: { noUnusedLocals: false }, include: names }),
  )
  const tsc = join(root, 'node_modules/ts7/bin/tsc')
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false', '--noEmit'], {
    cwd: root,
    encoding: 'utf8',
  })
  expect(stdout.split('\n').filter(Boolean)).toEqual([])
  expect(status).toBe(0)
  expect(examples.length).toBeGreaterThan(3)
}, 60_000)
