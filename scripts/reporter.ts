import { relative } from 'node:path'
import type { SerializedError, TestError } from 'vitest'
import type { Reporter, TestModule, Vitest } from 'vitest/node'
import { engineOf, isComplete, versionOf, writeReadmeTable } from './engines.ts'
import { root } from './support.mjs'

interface Counts {
  passed: number
  failed: number
  skipped: number
}

/**
 * Prints which test file ran in which engine, the engines' versions, a line for each failed test, and as the last line `N passed, N
 * failed`.
 * `npm test -- -u` writes the versions into the README if all engines ran and no test failed.
 */
export default class EngineTable implements Reporter {
  #vitest: Vitest | undefined

  onInit(vitest: Vitest): void {
    this.#vitest = vitest
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const counted = modules.map((module) => ({
      engine: engineOf(module.project),
      file: relative(root, module.moduleId),
      counts: count(module),
    }))
    const versions = Object.fromEntries(this.#vitest?.projects.map((project) => [engineOf(project), versionOf(project)]) ?? [])
    const engines = Object.keys(versions)
    const files = [...new Set(counted.map(({ file }) => file))].sort()
    const cell = (file: string, engine: string) => show(counted.find((each) => each.file === file && each.engine === engine)?.counts)
    console.log(`\n${table([['', ...engines], ...files.map((file) => [file, ...engines.map((engine) => cell(file, engine))])])}\n`)
    console.log(
      `${Object.entries(versions)
        .map((engine) => engine.join(' '))
        .join(', ')}\n`,
    )
    for (const line of [...modules.flatMap(failuresIn), ...errors.map((error) => failure('outside of any test', [error]))])
      console.log(line)
    const total = sum(counted.map(({ counts }) => counts))
    const failed = total.failed + errors.length
    if (failed === 0 && isComplete(versions) && this.#vitest?.config.snapshotOptions.updateSnapshot === 'all') writeReadmeTable(versions)
    console.log(closingLine({ ...total, failed }))
  }
}

function count(module: TestModule): Counts {
  // A file that does not load has no tests, which must count as a failure.
  const counts: Counts = { passed: 0, failed: module.errors().length > 0 ? 1 : 0, skipped: 0 }
  for (const test of module.children.allTests()) {
    const { state } = test.result()
    if (state === 'passed' || state === 'failed') counts[state] += 1
    else counts.skipped += 1
  }
  return counts
}

function failuresIn(module: TestModule): string[] {
  const where = `${engineOf(module.project)} ${relative(root, module.moduleId)}`
  const tests = [...module.children.allTests('failed')].map((test) => failure(`${where} > ${test.fullName}`, test.result().errors))
  return module.errors().length > 0 ? [failure(where, module.errors()), ...tests] : tests
}

/** One line, so that `.ci/run` can repeat it at the end of a long output. */
function failure(where: string, errors: readonly Pick<TestError, 'message' | 'stacks'>[] = []): string {
  const [message = 'no message'] = errors[0]?.message.split('\n', 1) ?? []
  const at = errors[0]?.stacks?.[0]
  return `FAILED ${where}: ${message}${at ? ` (${relative(root, at.file)}:${at.line})` : ''}`
}

function sum(all: readonly Counts[]): Counts {
  const total: Counts = { passed: 0, failed: 0, skipped: 0 }
  for (const { passed, failed, skipped } of all) {
    total.passed += passed
    total.failed += failed
    total.skipped += skipped
  }
  return total
}

function show(counts: Counts | undefined): string {
  if (counts === undefined) return '—'
  const rest = [counts.failed > 0 ? `${counts.failed} FAILED` : '', counts.skipped > 0 ? `${counts.skipped} skipped` : '']
  return [counts.passed, ...rest.filter(Boolean)].join(', ')
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    row.map((text, column) => (column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0))).join('  ')
  return rows.map(line).join('\n')
}

function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
