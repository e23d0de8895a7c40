// Measures exports and imports of a log, in Node: node scripts/run.mjs node --expose-gc bench/log-export.mjs
import { exportLog, importLog } from '../src/log/export/index.ts'

/** @import { StoredRecord } from '../src/log/record.ts' */

const RUN = 50

/**
 * A log that is generated while it is read: consecutive runs of fifty events.
 * @param {number} count
 */
function logOf(count) {
  let at = 0
  /** @type {import('../src/core/event.ts').Run} */
  let run
  /** @returns {StoredRecord} */
  const next = () => {
    const seq = at % RUN
    if (seq === 0) run = { id: `r${at}`, parentId: undefined, rootId: `r${at}`, name: 'chain', kind: 'chain', tags: [], metadata: {} }
    const about = { run, at, seq }
    const event =
      seq === 0
        ? /** @type {const} */ ({ ...about, type: 'start', input: 'hi' })
        : seq === RUN - 1
          ? /** @type {const} */ ({ ...about, type: 'end', output: 'x'.repeat(200) })
          : /** @type {const} */ ({ ...about, type: 'text', text: `some text of a run, ${at}` })
    return { id: `a.${at}`, cursor: `${at++}`.padStart(9, '0'), at: about.at, level: 'info', event }
  }
  const pull = (/** @type {ReadableStreamDefaultController<StoredRecord>} */ controller) => {
    for (let i = 0; i < 500 && at < count; i++) controller.enqueue(next())
    if (at === count) controller.close()
  }
  const read = () => {
    at = 0
    return new ReadableStream({ pull }, { highWaterMark: 0 })
  }
  return { read }
}

const nowhere = {
  read: () => new ReadableStream({ pull: (controller) => controller.close() }),
  append: async () => {},
}

/** @type {Readonly<Record<string, (count: number, look: () => void) => Promise<unknown>>>} */
const works = {
  'export as ndjson': (count, look) => exportLog(logOf(count), { onProgress: look }).pipeTo(new WritableStream()),
  'export as text': (count, look) => exportLog(logOf(count), { format: 'text', onProgress: look }).pipeTo(new WritableStream()),
  'export as html': (count, look) => exportLog(logOf(count), { format: 'html', onProgress: look }).pipeTo(new WritableStream()),
  'export as otlp': (count, look) => exportLog(logOf(count), { format: 'otlp', onProgress: look }).pipeTo(new WritableStream()),
  'export as ndjson and import': (count, look) => importLog(nowhere, exportLog(logOf(count)), { onProgress: look }),
}

const { gc } = globalThis
if (!gc) throw new Error('Run this with node --expose-gc.')

for (const [name, work] of Object.entries(works)) {
  for (const count of [100_000, 1_000_000]) {
    await work(10_000, () => {})
    const began = performance.now()
    await work(count, () => {})
    const ms = performance.now() - began
    gc()
    const before = process.memoryUsage().heapUsed
    let [live, calls] = [0, 0]
    await work(count, () => {
      if (++calls % 100 > 0) return
      gc()
      live = Math.max(live, process.memoryUsage().heapUsed - before)
    })
    const rate = Math.round(count / ms)
    console.log(`${name}, ${count} records: ${rate} records/ms, live memory + ${(live / 1e6).toFixed(1)} MB`)
  }
}
