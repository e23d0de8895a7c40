import { readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { entries } from '../scripts/entries.mjs'
import { root } from '../scripts/support.mjs'
import { circles, classes, declaredNames, functions, type Import, type SourceFile, sources } from './support/source.ts'

const files = sources()

/** Folders whose members must not import each other. A listed member is a file or a folder; without a list, every one is a member. */
const independent: Readonly<Record<string, readonly string[] | undefined>> = {
  models: ['anthropic', 'openai', 'workers-ai', 'browser-ai'],
  handlers: undefined,
  bindings: undefined,
  bridges: undefined,
}

const folderOf = (path: string) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : '')

/** `anthropic` for models/anthropic/wire.ts, `tap` for handlers/tap.ts. */
const memberOf = (path: string) => path.replace(/\.ts$/, '').split('/')[1] ?? ''

function isSideways(from: string, to: string): boolean {
  const folder = folderOf(from)
  if (!(folder in independent) || folderOf(to) !== folder || memberOf(from) === memberOf(to)) return false
  const members = independent[folder]
  return members === undefined || (members.includes(memberOf(from)) && members.includes(memberOf(to)))
}

function imports(wrong: (file: SourceFile, to: Import) => string | false | undefined): readonly string[] {
  return files.flatMap((file) =>
    file.imports.flatMap((to) => (wrong(file, to) ? [`${to.at} imports ${to.specifier}: ${wrong(file, to)}`] : [])),
  )
}

function nodes(wrong: (node: ts.Node) => string | false): readonly string[] {
  return files.flatMap((file) => file.nodes.flatMap((node) => (wrong(node) ? [`${file.at(node)} ${wrong(node)}`] : [])))
}

describe('imports', () => {
  it('core imports nothing of ours', () => {
    const outside = ({ path }: SourceFile, { to }: Import) => folderOf(path) === 'core' && to !== undefined && folderOf(to) !== 'core'
    expect(imports((file, to) => outside(file, to) && 'move what core needs into core, or let the caller pass it')).toEqual([])
  })

  it('no file imports src/index.ts', () => {
    const door = ({ to, specifier }: Import) => to === 'index.ts' || /^chaintap(\/|$)/.test(specifier)
    expect(imports((_, to) => door(to) && 'import the file that declares it')).toEqual([])
  })

  it('wires, handlers and UI bindings do not import one another', () => {
    expect(imports(({ path }, { to }) => to !== undefined && isSideways(path, to) && 'move what both need into a file of its own')).toEqual(
      [],
    )
  })

  it('src imports no Node module', () => {
    const builtin = (name: string) => name.startsWith('node:') || builtinModules.includes(name)
    expect(imports((_, { specifier }) => builtin(specifier) && 'use what browsers and Workers have too')).toEqual([])
  })

  it('folders do not import in circles', () => {
    const folders = [...new Set(files.map(({ path }) => folderOf(path)))]
    const targets = (folder: string) =>
      files.filter(({ path }) => folderOf(path) === folder).flatMap((file) => file.imports.map(({ to }) => to))
    const graph = folders.map(
      (from) => [from, new Set(targets(from).flatMap((to) => (to && folderOf(to) !== from ? [folderOf(to)] : [])))] as const,
    )
    expect(circles(new Map(graph)), 'move what closes the circle inward').toEqual([])
  })

  it('files import in one circle alone, type-only imports included: runnable ⇄ lambda, sequence, transform', () => {
    const graph = new Map(files.map(({ path, imports }) => [path, new Set(imports.flatMap(({ to }) => (to ? [to] : [])))]))
    // `pipe` makes sequences, lambdas and transforms, and each of these is a Runnable.
    const allowed = ['lambda', 'runnable', 'sequence', 'transform'].map((name) => `core/runnable/${name}.ts`)
    expect(circles(graph), 'move the type or function that closes the circle into a file of its own').toEqual([allowed])
  })
})

describe('names', () => {
  it('at most 4 % of the top-level names are declared in more than one file', () => {
    const names = [...declaredNames(files)]
    const repeated = names.flatMap(([name, count]) => (count > 1 ? [name] : []))
    expect(repeated.length / names.length, `name each for what it is: ${repeated.join(', ')}`).toBeLessThanOrEqual(0.04)
  })
})

describe('size and depth', () => {
  it('files have at most 200 lines', () => {
    expect(
      files.filter(({ lines }) => lines.length > 200).map(({ path, lines }) => `src/${path}:${lines.length} split it by nouns`),
    ).toEqual([])
  })

  it('functions have at most 40 lines, 60 with "// Long because …" above', () => {
    const long = files.flatMap(functions).filter(({ lines, excused }) => lines > (excused ? 60 : 40))
    expect(long.map(({ at, lines }) => `${at} has ${lines} lines: name its parts`)).toEqual([])
  })

  it('a class has at most two ancestors', () => {
    const all = classes(files)
    const depth = (name: string | undefined): number => (name !== undefined && all.has(name) ? 1 + depth(all.get(name)?.parent) : 0)
    expect(
      [...all].filter(([name]) => depth(name) > 3).map(([name, { at }]) => `${at} ${name}: hold it as a value, or use a function`),
    ).toEqual([])
  })
})

describe('what does not appear', () => {
  it('any', () => {
    expect(nodes((node) => node.kind === ts.SyntaxKind.AnyKeyword && 'write the type, or unknown and narrow it')).toEqual([])
  })

  it('!, the promise that nothing is missing', () => {
    expect(nodes((node) => ts.isNonNullExpression(node) && 'check the value, or give a default')).toEqual([])
  })

  it('@ts-ignore and its like', () => {
    const silenced = files.flatMap(({ path, lines }) =>
      lines.flatMap((line, index) => (/@ts-(ignore|expect-error|nocheck)/.test(line) ? [`src/${path}:${index + 1}`] : [])),
    )
    expect(silenced.map((at) => `${at} make the types right`)).toEqual([])
  })

  it('texts that become HTML', () => {
    const maker = /^((inner|outer)HTML|insertAdjacentHTML|createContextualFragment|parseFromString|setHTMLUnsafe|srcdoc)$/
    const isWritten = (node: ts.Node) =>
      (ts.isPropertyAccessExpression(node) && maker.test(node.name.text)) || (ts.isStringLiteral(node) && maker.test(node.text))
    expect(nodes((node) => isWritten(node) && 'make elements, and give them texts')).toEqual([])
  })

  it('let or var of a module', () => {
    const loose = (node: ts.Node) =>
      ts.isVariableStatement(node) && ts.isSourceFile(node.parent) && !(node.declarationList.flags & ts.NodeFlags.Const)
    expect(nodes((node) => loose(node) && 'hold it in a value that the caller makes')).toEqual([])
  })

  it('the environment', () => {
    const env = (node: ts.Node) =>
      ts.isPropertyAccessExpression(node) && /^(process|import\.meta|Deno|Bun)\??\.env$/.test(node.getText().replace('globalThis.', ''))
    expect(nodes((node) => env(node) && 'let the caller pass it')).toEqual([])
  })
})

describe('what is written twice is the same', () => {
  it('the exports map and the paths of test/tsconfig.json', () => {
    const { config } = ts.readConfigFile(join(root, 'test/tsconfig.json'), ts.sys.readFile)
    expect(config.compilerOptions.paths).toEqual(Object.fromEntries(entries.map(({ name, source }) => [name, [`../${source}`]])))
  })

  it("the playground Worker's compatibility and the test Worker's", () => {
    const compatibility = (file: string) => readFileSync(join(root, file), 'utf8').match(/^compatibility_.*$/gm)
    expect(compatibility('test/support/wrangler.toml')).toEqual(compatibility('wrangler.toml'))
  })
})
