import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { structureSvg } from '../scripts/pictures/structure.ts'
import { root } from '../scripts/support.mjs'
import { docstringExamples } from './support/docstring-examples.ts'
import { sources } from './support/source.ts'

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

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What tsc reports about these programs, a line per error. */
function compile(name: string, files: Readonly<Record<string, string>>): readonly string[] {
  const project = join(folder, name)
  mkdirSync(project, { recursive: true })
  for (const [file, code] of Object.entries(files)) writeFileSync(join(project, file), code)
  const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false, verbatimModuleSyntax: false, isolatedModules: false }
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({ extends: '../../../tsconfig.json', compilerOptions, include: Object.keys(files) }),
  )
  const tsc = join(root, 'node_modules/ts7/bin/tsc')
  const options = { cwd: root, encoding: 'utf8' } as const
  return spawnSync(process.execPath, [tsc, '-p', project, '--pretty', 'false', '--noEmit'], options).stdout.split('\n').filter(Boolean)
}

const fileOf = (at: string) => `${at.replace(/\W/g, '-')}.ts`

it('every example of the README and the guides compiles', () => {
  const examples = pages.flatMap(examplesOf)
  const errors = compile('pages', Object.fromEntries(examples.map(({ page, line, code }) => [fileOf(`${page}-${line}`), code])))
  expect(errors).toEqual([])
  expect(examples.length).toBeGreaterThan(3)
}, 60_000)

it('every @example of a docstring compiles, with its public names imported', () => {
  const examples = docstringExamples()
  const files = Object.fromEntries(examples.map(({ at, code }) => [fileOf(at), code]))
  expect(compile('docstrings', files)).toEqual([])
  expect(examples.length).toBeGreaterThan(90)
}, 60_000)

it('every source file, test and folder that a page names exists', () => {
  const named = ['CONTRIBUTING.md', ...pages].flatMap((page) => {
    const text = readFileSync(join(root, page), 'utf8')
    const paths = [
      ...text.matchAll(/`((?:src|test|bench|scripts|docs|core|models|tokens|log|edge|remote|schema)\/[\w./-]+?(?:\.\w+|\/))`/g),
    ]
    return paths.map(([, path = '']) => ({ page, path }))
  })
  expect(named.length).toBeGreaterThan(60)
  const missing = named.filter(({ path }) => !existsSync(join(root, path)) && !existsSync(join(root, 'src', path)))
  expect(missing.map(({ page, path }) => `${page}: ${path}`)).toEqual([])
})

it('docs/promises.md lists tests that cite the promise', () => {
  const rows = [...readFileSync(join(root, 'docs/promises.md'), 'utf8').matchAll(/^\| (P\d+) \| (.*) \|$/gm)]
  expect(rows.map(([, promise]) => promise)).toEqual(Array.from({ length: 11 }, (_, index) => `P${index + 1}`))
  const wrong = rows.flatMap(([, promise = '', cell = '']) =>
    [...cell.matchAll(/`([^`]+\.ts)`/g)].flatMap(([, file = '']) =>
      new RegExp(`\\b${promise}\\b`).test(readFileSync(join(root, file), 'utf8')) ? [] : [`${promise}: ${file}`],
    ),
  )
  expect(wrong).toEqual([])
})

it('docs/images/structure.svg shows the imports as they are: node scripts/run.mjs node scripts/pictures/structure.ts', () => {
  expect(readFileSync(join(root, 'docs/images/structure.svg'), 'utf8')).toBe(structureSvg(sources()))
})
