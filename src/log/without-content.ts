import type { Run, RunEvent } from '../core/event.ts'
import { Marked } from '../core/json/marked.ts'
import { stringify } from '../core/json/stringify.ts'
import type { LogRecord } from './record.ts'

/** Fields of events and deltas that hold names and numbers, not content. */
const CONTENT_FREE_FIELDS: ReadonlySet<string> = new Set([
  'run',
  'at',
  'seq',
  'type',
  'usage',
  'answered',
  'attempt',
  'name',
  'index',
  'id',
  'tool',
  'reason',
  'code',
  'status',
])

/**
 * Returns a `keep` function for a log that removes content: names, tags, levels, times, lengths, usage, and the name, code and status of
 * errors stay; texts, metadata and properties do not. A token becomes as many dots as it has characters.
 *
 * @example
 * const log = new IndexedDBCallbackHandler({ name: 'output', keep: withoutContent() })
 */
export function withoutContent(): (record: LogRecord) => LogRecord {
  const runs = new WeakMap<Run, Run>()
  const bare = (run: Run): Run => {
    const known = runs.get(run) ?? { ...run, metadata: {} }
    runs.set(run, known)
    return known
  }
  return (record) => {
    if (!('run' in record)) return { ...record, message: describeLength(record.message), properties: {} }
    // With its length: a replay shows the pace of the output.
    if (record.type === 'token') return { ...record, run: bare(record.run), token: '·'.repeat(record.token.length) }
    return { ...measureFields(record), run: bare(record.run) } as unknown as RunEvent
  }
}

const describeLength = (text: string): string => `[${text.length} characters]`

/** Keeps the content-free fields of an object, and replaces every other value by its length. */
function measureFields(object: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [key, CONTENT_FREE_FIELDS.has(key) ? value : measureField(key, value)]),
  )
}

function measureField(key: string, value: unknown): unknown {
  if (value === undefined) return undefined
  if (typeof value === 'string') return describeLength(value)
  if (value instanceof Error) return Object.assign(new Error(describeLength(value.message)), { name: value.name }, pickErrorFacts(value))
  if (key === 'delta' || key === 'action') return measureFields(value as object)
  const size = new Marked('omitted', `${stringify(value).length} characters`)
  return key === 'finish' ? { returnValues: size, log: '' } : size
}

const pickErrorFacts = (error: Error): Record<string, unknown> =>
  Object.fromEntries(Object.entries(error).filter(([key]) => key === 'code' || key === 'status'))
