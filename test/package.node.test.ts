import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { entries } from '../scripts/entries.mjs'
import { root } from '../scripts/support.mjs'

const folder = mkdtempSync(join(tmpdir(), 'chaintap-package-'))
const installed = join(folder, 'node_modules')

// npm passes its own settings on to scripts; a user's npm has none of them.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|VITEST|NODE_OPTIONS|INIT_CWD)/i.test(name)))

function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8', shell: process.platform === 'win32' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`)
  return stdout
}

function filesOf(name: string): readonly string[] {
  return readdirSync(join(installed, name), { recursive: true, encoding: 'utf8' }).map((file) => file.replaceAll('\\', '/'))
}

beforeAll(() => {
  run('npm', ['pack', '--loglevel=error', '--pack-destination', folder], root)
  const tarball = readdirSync(folder).find((file) => file.endsWith('.tgz')) ?? ''
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }))
  run('npm', ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', `./${tarball}`], folder)
}, 120_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the packed package, installed into an empty folder', () => {
  it('installs itself and its dependencies only', () => {
    expect(readdirSync(installed).filter((name) => !name.startsWith('.'))).toEqual([
      '@cfworker',
      'chaintap',
      'eventsource-parser',
      'idb-keyval',
    ])
    expect(readdirSync(installed)).not.toContain('.bin')
  })

  it('contains only the library', () => {
    const top = filesOf('chaintap').filter((file) => !file.includes('/'))
    expect(top.sort()).toEqual([
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'LICENSE',
      'README.md',
      'bench',
      'dist',
      'docs',
      'llms.txt',
      'package.json',
      'src',
    ])
    expect(filesOf('chaintap').filter((file) => /^(dist|src)\/.*\./.test(file) && !/\.(js|ts)(\.map)?$/.test(file))).toEqual([])
  })

  it.each(entries.map(({ name }) => name))('%s can be imported, and has types', (name) => {
    const program = `console.log(JSON.stringify([Object.keys(await import('${name}')).length, import.meta.resolve('${name}')]))`
    const [exported, url]: [number, string] = JSON.parse(run(process.execPath, ['--input-type=module', '--eval', program], folder))
    expect(exported).toBeGreaterThan(0)
    const file = url.slice(url.indexOf('/chaintap/dist/') + '/chaintap/'.length)
    expect(filesOf('chaintap')).toContain(file.replace(/\.js$/, '.d.ts'))
  })

  it('every relative link of its pages leads to a file and a heading inside it', () => {
    const pages = filesOf('chaintap').filter((file) => /^(docs\/)?[^/]+\.(md|txt)$/.test(file))
    expect(pages.length).toBeGreaterThan(8)
    expect(pages.flatMap(brokenLinks)).toEqual([])
  })
})

/** Links of a page whose file, or whose heading in a file, does not exist in the installed package. */
function brokenLinks(page: string): readonly string[] {
  const text = readFileSync(join(installed, 'chaintap', page), 'utf8').replace(/^```[\s\S]*?^```$/gm, '')
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? match[2] ?? '')
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .flatMap((target) => {
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? join(installed, 'chaintap', page) : join(installed, 'chaintap', dirname(page), path)
      const isThere = existsSync(file) && (anchor === undefined || headings(readFileSync(file, 'utf8')).has(anchor))
      return isThere ? [] : [`${page}: ${target}`]
    })
}

/** The anchors that GitHub makes of headings. */
function headings(text: string): ReadonlySet<string> {
  const anchors = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/\]\([^)]*\)|[^\p{L}\p{N} _-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  )
  return new Set(anchors)
}
