import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../scripts/support.mjs'

const folder = join(root, 'test/types')
const files = readdirSync(folder).filter((file) => file.endsWith('.test-d.ts'))

/** What tsc says, a line per error; nothing where all types hold. */
function errors(): readonly string[] {
  const tsc = join(root, 'node_modules/ts7/bin/tsc')
  const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], { cwd: root, encoding: 'utf8' })
  const said = `${stdout}${stderr}`.trim()
  return status === 0 ? [] : said.split('\n')
}

describe.runIf(files.length > 0)('type tests', () => {
  const said = files.length > 0 ? errors() : []
  const about = (file: string) => said.filter((line) => line.startsWith(`test/types/${file}`))

  it.each(files)('%s holds', (file) => {
    expect(about(file)).toEqual([])
  })

  it('compile without other errors', () => {
    expect(said.filter((line) => !files.some((file) => line.startsWith(`test/types/${file}`)))).toEqual([])
  })
})
