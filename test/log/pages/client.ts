// The page of survival.node.test.ts. Depending on its query it writes until it is killed (?write), or reports what it reads (?find), in a plain
// log or in one that is compressed and encrypted (&sealed).
import { IndexedDBLogStore } from 'chaintap/indexeddb'
import type { LogMessage, LogStore } from 'chaintap/log'

const query = new URLSearchParams(location.search)
const retain = { maxBytes: 512 * 1024 * 1024 }
const store = new IndexedDBLogStore(
  query.has('sealed') ? { name: 'sealed', retain, gzip: true, encrypt: true } : { name: 'survival', retain },
)

export async function read(from: LogStore = store): Promise<readonly string[]> {
  const reader = from.read().getReader()
  const texts: string[] = []
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return texts
    if ('message' in value) texts.push(value.message)
  }
}

export function logMessage(message: string, filler = 0): LogMessage {
  return { level: 'info', category: 'test', message, ...(filler > 0 && { properties: { filler: 'x'.repeat(filler) } }) }
}

/** Writes ascending numbers, ten per append; reports each acknowledgement to the test while the next ten are written. */
async function write(from: number): Promise<void> {
  let reported: Promise<unknown> = Promise.resolve()
  for (let n = from; ; n += 10) {
    await store.append(Array.from({ length: 10 }, (_, i) => logMessage(`${n + i}`, 100)))
    await reported
    // A log in memory acknowledges nothing durable.
    if (store.isDurable) reported = fetch(`/acknowledged?${n + 9}`, { method: 'POST' })
  }
}

/** Text that engines cannot compress well. */
function noise(length: number): string {
  let text = ''
  while (text.length < length) text += Math.random().toString(36).slice(2)
  return text
}

const client = { store, read, logMessage, noise, IndexedDBLogStore }
export type Client = typeof client
Object.assign(globalThis, { client })

if (query.has('write')) void write(Number(query.get('write')))
if (query.has('find'))
  void read().then((texts) => fetch('/found', { method: 'POST', body: JSON.stringify(store.isDurable ? texts : ['The log is in memory']) }))
