import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { root } from './support.mjs'

/** The projects of vite.config.ts, and their names in the README. */
export const engines = { node: 'Node', workerd: 'workerd', chromium: 'Chromium', firefox: 'Firefox', webkit: 'WebKit' }

export type Engine = keyof typeof engines

/** Returns the engine of a project. A browser project's name is e.g. `chromium (chromium)`. */
export function engineOf({ name }: Pick<TestProject, 'name'>): Engine {
  return name.replace(/ \(.*\)$/, '') as Engine
}

/** Returns the version that ran the tests. A browser reports its own. */
export function versionOf(project: TestProject): string {
  if (engineOf(project) === 'node') return process.versions.node
  if (engineOf(project) === 'workerd') return createRequire(import.meta.url)('workerd/package.json').version
  const provider = project.browser?.provider as { readonly browser?: { version(): string } | null } | undefined
  return provider?.browser?.version() ?? 'not started'
}

const readme = join(root, 'README.md')
const block = /(?<=<!-- engines: .*-->\n\n)[\s\S]*?(?=\n\n<!-- \/engines -->)/

/** Returns the cells of the README's table of engines. */
export function readmeTable(): readonly (readonly string[])[] {
  const lines = block.exec(readFileSync(readme, 'utf8'))?.[0].split('\n') ?? []
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

/** Whether all engines ran. */
export function isComplete(versions: Readonly<Partial<Record<Engine, string>>>): versions is Readonly<Record<Engine, string>> {
  return Object.keys(engines).every((engine) => engine in versions)
}

export function writeReadmeTable(versions: Readonly<Record<Engine, string>>): void {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const names = Object.keys(engines) as Engine[]
  const table = [row(names.map((name) => engines[name])), `|${'---|'.repeat(names.length)}`, row(names.map((name) => versions[name]))]
  writeFileSync(readme, readFileSync(readme, 'utf8').replace(block, table.join('\n')))
}
