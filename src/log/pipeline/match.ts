import type { RunEvent } from '../../core/event.ts'
import { levels } from '../level.ts'
import type { LogFilter, StoredRecord } from '../record.ts'
import type { SegmentHeader } from '../segment/segment.ts'

/** A filter, as tests of increasing cost. */
export interface Matcher {
  /** Whether the segment may contain a match. */
  readonly head: (head: SegmentHeader) => boolean
  readonly body: (body: string) => boolean
  readonly record: (record: StoredRecord) => boolean
}

export function matcher({ after, before, runId, kind, tag, level, text }: LogFilter): Matcher {
  const [first, last] = [boundToMs(after), boundToMs(before)]
  const least = level === undefined ? 0 : levels.indexOf(level)
  const [kinds, tags] = [toOptionalList(kind), toOptionalList(tag)]
  const needle = text?.toLowerCase()
  // Escaped as in JSON.
  const escaped = needle && JSON.stringify(needle).slice(1, -1)
  return {
    head: ({ from, to, level: highest, runs, roots }) =>
      (first === undefined || to > first) &&
      (last === undefined || from < last) &&
      highest >= least &&
      (runId === undefined || runs.includes(runId) || roots.includes(runId)) &&
      ((kinds === undefined && tags === undefined) || runs.length > 0),
    body: (body) => !escaped || body.toLowerCase().includes(escaped),
    record: (record) =>
      (first === undefined || record.at > first) &&
      (last === undefined || record.at < last) &&
      (typeof after !== 'string' || record.cursor > after) &&
      (typeof before !== 'string' || record.cursor < before) &&
      levels.indexOf(record.level) >= least &&
      matchesRun('event' in record ? record.event : undefined, { runId, kinds, tags }) &&
      (!needle || containsText(searchableValues(record), needle)),
  }
}

interface RunCriteria {
  readonly runId: string | undefined
  readonly kinds: readonly string[] | undefined
  readonly tags: readonly string[] | undefined
}

function matchesRun(event: RunEvent | undefined, { runId, kinds, tags }: RunCriteria): boolean {
  if (!event) return runId === undefined && kinds === undefined && tags === undefined
  const { run } = event
  return (
    (runId === undefined || run.id === runId || run.rootId === runId) &&
    (kinds === undefined || kinds.includes(run.kind)) &&
    (tags === undefined || run.tags.some((tag) => tags.includes(tag)))
  )
}

function boundToMs(bound: string | number | Date | undefined): number | undefined {
  return typeof bound === 'object' ? bound.getTime() : typeof bound === 'number' ? bound : undefined
}

function toOptionalList<T extends string>(given: T | readonly T[] | undefined): readonly T[] | undefined {
  return given === undefined ? undefined : typeof given === 'string' ? [given] : given
}

/** The values of a record that `text` is searched in. */
function searchableValues(record: StoredRecord): unknown {
  if (!('event' in record)) return [record.message, record.category, record.properties]
  const { run, at: _at, seq: _seq, type: _type, ...payload } = record.event
  return [run.name, payload]
}

/** Decoded records have no cycles, and the depth that the codec allows. */
function containsText(value: unknown, needle: string): boolean {
  if (typeof value === 'string') return value.toLowerCase().includes(needle)
  if (typeof value === 'bigint') return String(value).includes(needle)
  if (typeof value !== 'object' || value === null || value instanceof Date)
    return String(JSON.stringify(value)).toLowerCase().includes(needle)
  if (value instanceof Error)
    return [value.name, value.message, value.cause, ...Object.values(value)].some((part) => containsText(part, needle))
  const parts: Iterable<unknown> = value instanceof Map || value instanceof Set ? value : Object.values(value)
  return [...parts].some((part) => containsText(part, needle))
}
