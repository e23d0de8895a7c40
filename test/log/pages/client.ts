// The page of survival.node.test.ts. It has the log, and by its address it writes until it is killed (?write) or says what it finds (?find),
// in a log that is compressed and encrypted (&sealed) or is not.
import { IndexedDBLogStore } from 'chaintap/indexeddb'
import type { LogMessage, LogStore } from 'chaintap/log'

const asked = new URLSearchParams(location.search)
const retain = { maxBytes: 512 * 1024 * 1024 }
const store = new IndexedDBLogStore(
  asked.has('sealed') ? { name: 'sealed', retain, gzip: true, encrypt: true } : { name: 'survival', retain },
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

export function said(message: string, filler = 0): LogMessage {
  return { level: 'info', category: 'test', message, ...(filler > 0 && { properties: { filler: 'x'.repeat(filler) } }) }
}

/** Numbers from here on, ten to an append; each acknowledgement is told to the test while the next ten are written. */
async function write(from: number): Promise<void> {
  let told: Promise<unknown> = Promise.resolve()
  for (let n = from; ; n += 10) {
    await store.append(Array.from({ length: 10 }, (_, i) => said(`${n + i}`, 100)))
    await told
    // In memory nothing is promised.
    if (store.isDurable) told = fetch(`/acknowledged?${n + 9}`, { method: 'POST' })
  }
}

/** Nothing that an engine could compress well. */
function noise(length: number): string {
  let text = ''
  while (text.length < length) text += Math.random().toString(36).slice(2)
  return text
}

const client = { store, read, said, noise, IndexedDBLogStore }
export type Client = typeof client
Object.assign(globalThis, { client })

if (asked.has('write')) void write(Number(asked.get('write')))
if (asked.has('find'))
  void read().then((texts) => fetch('/found', { method: 'POST', body: JSON.stringify(store.isDurable ? texts : ['The log is in memory']) }))
