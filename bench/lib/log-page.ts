// The page of bench/log.mjs: measures a log in IndexedDB.
import type { Run, RunEvent } from 'chaintap'
import { IndexedDBLogStore } from 'chaintap/indexeddb'
import { type LogMessage, type LogStore, logHandler } from 'chaintap/log'
import { createStore, setMany } from 'idb-keyval'
import { type Figure, median, quantile } from './measure.ts'

const COUNT = 100_000
const PUTS = 2_000
const TOKENS = 2_000

/** A record that takes 300 bytes in the database. */
function record(n: number): LogMessage {
  const bare = { level: 'info', at: 1_700_000_000_000 + n, category: ['app', 'chat'], message: `record ${n} `, properties: {} } as const
  return { ...bare, message: bare.message.padEnd(300 - JSON.stringify(bare).length + bare.message.length, 'lorem ipsum ') }
}

const records = Array.from({ length: COUNT }, (_, n) => record(n))

async function timed(work: () => unknown): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

const perSecond = (count: number, ms: readonly number[]): Pick<Figure, 'value' | 'error'> =>
  median(ms.map((each) => (count / each) * 1_000))

async function readAll(store: LogStore, limit: number): Promise<number> {
  const reader = store.read({ order: 'desc', limit }).getReader()
  for (let count = 0; ; count++) if ((await reader.read()).done) return count
}

async function put(name: string): Promise<number> {
  const store = createStore(name, 'records')
  await store('readonly', () => {})
  return timed(async () => {
    for (let n = 0; n < PUTS; n++) await setMany([[n, records[n]]], store)
  })
}

async function putMany(name: string): Promise<number> {
  const store = createStore(name, 'records')
  await store('readonly', () => {})
  return timed(async () => {
    for (let n = 0; n < PUTS * 5; n += 100)
      await setMany(
        records.slice(n, n + 100).map((each, i) => [n + i, each]),
        store,
      )
  })
}

/** A handler's time on the main thread for an answer: while it receives the tokens, and until all are saved. */
async function tokens(store: LogStore): Promise<{ readonly received: number; readonly whole: number }> {
  const id = crypto.randomUUID()
  const run: Run = { id, parentId: undefined, rootId: id, name: 'model', kind: 'chat_model', tags: [], metadata: {} }
  const handler = logHandler(store)
  const tell = (event: RunEvent): void => void handler.onEvent?.(event)
  tell({ run, at: Date.now(), seq: 0, type: 'start', input: [] })
  await store.flush()
  const began = performance.now()
  for (let seq = 1; seq <= TOKENS; seq++) tell({ run, at: Date.now(), seq, type: 'token', token: ' token' })
  const received = performance.now() - began
  await store.flush()
  return { received, whole: performance.now() - began }
}

/** Measures all figures, each round with a new database. */
export async function measure(rounds: number): Promise<readonly Figure[]> {
  const appended: number[] = []
  const putOne: number[] = []
  const put100: number[] = []
  const last: number[] = []
  const received: number[] = []
  const whole: number[] = []
  for (let round = 0; round < rounds; round++) {
    const store = new IndexedDBLogStore({ name: `bench-${round}`, retain: {} })
    await store.append(records.slice(0, 1_000))
    await store.clear()
    appended.push(await timed(() => store.append(records)))
    for (let i = 0; i < 20; i++) last.push(await timed(() => readAll(store, 100)))
    for (let i = 0; i < 20; i++) {
      const took = await tokens(store)
      received.push((took.received / TOKENS) * 1e6)
      whole.push((took.whole / TOKENS) * 1e6)
    }
    putOne.push(await put(`put-${round}`))
    put100.push(await putMany(`put-many-${round}`))
  }
  return [
    { what: 'records of 300 bytes appended per second, 100,000 at once', ...perSecond(COUNT, appended), unit: '', budget: 200_000 },
    { what: 'the same with idb-keyval: setMany of 100', ...perSecond(PUTS * 5, put100), unit: '' },
    { what: 'the same with idb-keyval: a set each', ...perSecond(PUTS, putOne), unit: '' },
    { what: 'last 100 of 100,000 records', ...median(last), unit: 'ms', budget: 5 },
    { what: 'last 100 of 100,000 records, 95th percentile', value: quantile(last, 0.95), unit: 'ms' },
    { what: 'a token of a run, in the handler', ...median(received), unit: 'ns' },
    { what: 'a token of a run, until it is saved', ...median(whole), unit: 'ns' },
  ]
}
