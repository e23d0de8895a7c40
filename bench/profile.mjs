// Profiles a variant, in Node: node scripts/run.mjs node bench/profile.mjs wire-16KiB 'chain, 3 handlers'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'
import { findSourceMap } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bundle } from './lib/bundle.mjs'

/** @typedef {import('node:inspector').Profiler.Profile} Profile */

const [row = 'wire-1/chunk', variant = 'chain, 3 handlers'] = process.argv.slice(2)
const [warmUpMs, profiledMs, shown] = [1_500, 6_000, 25]

const folder = await mkdtemp(join(tmpdir(), 'chaintap-bench-'))
try {
  const file = join(folder, 'rows.mjs')
  await writeFile(file, await bundle({ sourcemap: true }))
  process.setSourceMapsEnabled(true)
  const { repeatVariant } = await import(pathToFileURL(file).href)
  await repeatVariant(row, variant, warmUpMs)
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: 200 })
  await session.post('Profiler.start')
  await repeatVariant(row, variant, profiledMs)
  const { profile } = await session.post('Profiler.stop')
  print(selfTimes(profile))
} finally {
  await rm(folder, { recursive: true })
}

/**
 * Returns the self time of each function in µs, including functions inlined into it.
 * @param {Profile} profile
 * @returns {ReadonlyMap<string, number>}
 */
function selfTimes({ nodes, samples = [], timeDeltas = [] }) {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  /** @type {Map<string, number>} */
  const times = new Map()
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? ''
    if (name === '(idle)') continue
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0))
  }
  return times
}

/** @param {import('node:inspector').Runtime.CallFrame} frame */
function nameOf({ functionName, url, lineNumber, columnNumber }) {
  const origin = findSourceMap(url)?.findEntry(lineNumber, columnNumber)
  const [file, line] = origin && 'originalSource' in origin ? [origin.originalSource, origin.originalLine] : [url, lineNumber]
  const short = file.split('/').slice(-2).join('/')
  return `${functionName || '(anonymous)'}${short === '' ? '' : `  ${short}:${line + 1}`}`
}

/** @param {ReadonlyMap<string, number>} times */
function print(times) {
  const total = [...times.values()].reduce((sum, time) => sum + time, 0)
  console.log(`${row}, ${variant}: self time`)
  const sorted = [...times].sort(([, a], [, b]) => b - a)
  for (const [name, time] of sorted.slice(0, shown)) console.log(`${((time / total) * 100).toFixed(1).padStart(5)} %  ${name}`)
}
