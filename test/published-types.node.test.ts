import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { entries } from '../scripts/entries.mjs'
import { root } from '../scripts/support.mjs'

const folder = mkdtempSync(join(tmpdir(), 'chaintap-types-'))
const installed = join(folder, 'node_modules')

function tsc(...args: readonly string[]): readonly string[] {
  const compiler = join(root, 'node_modules/ts7/bin/tsc')
  const { stdout, stderr } = spawnSync(process.execPath, [compiler, ...args, '--pretty', 'false'], { cwd: root, encoding: 'utf8' })
  return `${stdout}${stderr}`.split('\n').filter(Boolean)
}

/** Makes a file or folder of the repository available in the scratch project. */
function link(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  symlinkSync(join(root, from), to, 'junction')
}

/** Compiles a program with the strictest settings that a user may have. */
function check(code: string, compilerOptions: object): readonly string[] {
  writeFileSync(join(folder, 'program.ts'), code)
  const options = { target: 'es2022', strict: true, skipLibCheck: false, noEmit: true, types: [], ...compilerOptions }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['program.ts'] }))
  return tsc('-p', folder)
}

beforeAll(() => {
  const built = join(installed, 'chaintap')
  mkdirSync(built, { recursive: true })
  expect(tsc('-p', 'tsconfig.build.json', '--outDir', join(built, 'dist'))).toEqual([])
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  symlinkSync(join(root, 'package.json'), join(built, 'package.json'), 'file')
  for (const name of ['eventsource-parser', '@cfworker', 'idb-keyval']) link(`node_modules/${name}`, join(installed, name))
}, 120_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const allEntries = entries.map(({ name }, index) => `export * as entry${index} from '${name}'`).join('\n')

describe('the published types', () => {
  it.each([
    ['nodenext', { module: 'nodenext', moduleResolution: 'nodenext' }],
    ['bundler', { module: 'esnext', moduleResolution: 'bundler' }],
  ])('compile with skipLibCheck: false, lib ES2023 and DOM, and no @types (%s)', (_, resolution) => {
    expect(check(allEntries, { ...resolution, lib: ['ES2023', 'DOM'], exactOptionalPropertyTypes: true })).toEqual([])
  })

  it('are AsyncDisposable and Disposable if the lib declares them', () => {
    const code = `import type { Runnable, RunStream } from 'chaintap'
      import type { LogStore } from 'chaintap/log'
      import { TokenCounter } from 'chaintap/tokens'
      declare const chain: Runnable<string, string>
      declare const store: LogStore
      export async function program(): Promise<void> {
        await using run: RunStream<string, string> = chain.stream('x')
        await using log = store
        using counter = new TokenCounter()
        void [run, log, counter]
      }`
    expect(check(code, { module: 'nodenext', lib: ['ES2023', 'DOM', 'ESNext.Disposable'] })).toEqual([])
  })

  it('have no internal members', () => {
    const code = `import type { Runnable } from 'chaintap'
      import type { Flow } from 'chaintap/advanced'
      declare const chain: Runnable<string, string>
      declare const flow: Flow
      // @ts-expect-error internal
      void chain.stream('x').nextBatch
      // @ts-expect-error internal
      void chain.config
      // @ts-expect-error internal
      void flow.owner`
    expect(check(code, { module: 'nodenext', lib: ['ES2023', 'DOM'] })).toEqual([])
  })
})
