// The page of `bench/log.mjs --page log-sealed`: measures the effect and the cost of compressing and encrypting a log.
import type { Run } from 'chaintap'
import { type IndexedDBLogOptions, IndexedDBLogStore } from 'chaintap/indexeddb'
import { type LogMessage, type LogStore, logHandler } from 'chaintap/log'
import { type Figure, median } from './measure.ts'

const ANSWERS = 200
const TOKENS = 500
const COUNT = 100_000

const kinds: Readonly<Record<string, IndexedDBLogOptions>> = {
  plain: {},
  gzip: { gzip: true },
  encrypt: { encrypt: true },
  both: { gzip: true, encrypt: true },
}

async function timed(work: () => unknown): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** English prose and tables, in parts of four letters. */
async function pieces(): Promise<readonly string[]> {
  return (await (await fetch('/text')).text()).match(/.{1,4}/gs) ?? []
}

/** The events of a question and an answer, as a handler receives them. */
function tell(store: LogStore, words: readonly string[], n: number): void {
  const id = crypto.randomUUID()
  const run: Run = { id, parentId: undefined, rootId: id, name: 'ChatAnthropic', kind: 'chat_model', tags: ['chat'], metadata: {} }
  const handler = logHandler(store)
  const tokens = Array.from({ length: TOKENS }, (_, i) => words[(n * TOKENS + i) % words.length] ?? '')
  const input = [{ role: 'user', content: `What is this? ${tokens.slice(0, 100).join('')}` }]
  handler.onEvent?.({ run, at: Date.now(), seq: 0, type: 'start', input })
  for (const [i, token] of tokens.entries()) handler.onEvent?.({ run, at: Date.now(), seq: i + 1, type: 'token', token })
  handler.onEvent?.({ run, at: Date.now(), seq: TOKENS + 1, type: 'end', output: tokens.join('') })
}

function record(n: number): LogMessage {
  return { level: 'info', at: 1_700_000_000_000 + n, category: ['app', 'chat'], message: `record ${n} `.padEnd(220, 'lorem ipsum ') }
}

async function readAll(store: LogStore, limit: number): Promise<void> {
  const reader = store.read({ order: 'desc', limit }).getReader()
  while (!(await reader.read()).done);
}

/** In the database, characters below 256 take one byte, others two. */
async function bytesIn(name: string): Promise<number> {
  const request = indexedDB.open(`chaintap:${name}`)
  const db = await new Promise<IDBDatabase>((resolve) => {
    request.onsuccess = () => resolve(request.result)
  })
  const bodies = db.transaction('bodies').objectStore('bodies').getAll() as IDBRequest<string[]>
  await new Promise((resolve) => {
    bodies.onsuccess = resolve
  })
  db.close()
  return bodies.result.reduce((sum, body) => sum + body.length * (/[^\0-\xff]/.test(body) ? 2 : 1), 0)
}

/** Measures each kind in turn, each round with new databases. */
export async function measure(rounds: number): Promise<readonly Figure[]> {
  const words = await pieces()
  const records = Array.from({ length: COUNT }, (_, n) => record(n))
  const answers: Record<string, number[]> = {}
  const appends: Record<string, number[]> = {}
  const reads: Record<string, number[]> = {}
  const bytes: Record<string, number> = {}
  for (let round = 0; round < rounds; round++) {
    for (const [kind, options] of Object.entries(kinds)) {
      const store = new IndexedDBLogStore({ name: `${kind}-${round}`, retain: {}, ...options })
      await store.flush()
      for (let n = 0; n < ANSWERS; n++) {
        const ms = await timed(() => {
          tell(store, words, n)
          return store.flush()
        })
        ;(answers[kind] ??= []).push(ms)
      }
      bytes[kind] = await bytesIn(store.name)
      ;(appends[kind] ??= []).push(await timed(() => store.append(records)))
      for (let i = 0; i < 20; i++) (reads[kind] ??= []).push(await timed(() => readAll(store, 100)))
      await store.clear()
    }
  }
  return Object.keys(kinds).flatMap((kind): readonly Figure[] => [
    {
      what: `${kind}: ${ANSWERS} answers of ${TOKENS} tokens, each saved at its end, in the database`,
      value: (bytes[kind] ?? 0) / 1_000,
      unit: 'KB',
    },
    { what: `${kind}: an answer of ${TOKENS} tokens, received and saved`, ...median(answers[kind] ?? []), unit: 'ms' },
    {
      what: `${kind}: records of 300 bytes appended per second`,
      ...median((appends[kind] ?? []).map((ms) => (COUNT / ms) * 1_000)),
      unit: '',
    },
    { what: `${kind}: last 100 of ${COUNT} records`, ...median(reads[kind] ?? []), unit: 'ms' },
  ])
}
