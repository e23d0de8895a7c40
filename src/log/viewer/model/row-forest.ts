import type { Run, RunEvent } from '../../../core/event.ts'
import { addUsage } from '../../../core/usage.ts'
import { type LogLevel, levels } from '../../level.ts'
import type { StoredEvent, StoredRecord } from '../../record.ts'
import { messageRow, type Row, type RunRow, runRow, topOf, untold } from './row.ts'

/** As deep as runs are nested; what is deeper begins anew. A log that somebody made up could have circles. */
const DEPTH = 100

/** How many runs and free records there are of something. */
export type Counts = ReadonlyMap<string, number>

/** Records as a forest of runs, with the free records between them. Each record costs the same, however many there are. */
export class Forest {
  /** Runs that have nothing above them, and free records, in the order of the log. */
  readonly tops: Row[] = []
  /** The first of those that have changed what is below them, or how it meets a filter. */
  stale: number = Infinity
  /** How many records were heard. */
  records = 0
  readonly levels: Counts = new Map()
  /** `message` for free records. */
  readonly kinds: Counts = new Map()
  readonly tags: Counts = new Map()
  readonly #runs = new Map<string, RunRow>()
  /** The record that is being taken adds a row, or raises a level. */
  #isChange = false

  get(id: string): RunRow | undefined {
    return this.#runs.get(id)
  }

  /** Takes a record that is newer than all others. Gives its row. */
  append(record: StoredRecord): Row {
    this.#isChange = false
    const row = this.#take(record, false)
    const top = 'run' in row ? topOf(row) : row
    if ('run' in top) top.isLive = true
    if (top.index === -1) top.index = this.tops.push(top) - 1
    if (this.#isChange) this.touch(row)
    return row
  }

  /** Takes records that are older than all others, the newest first. */
  prepend(records: readonly StoredRecord[]): void {
    const older = new Set<Row>()
    const parents = new Set<RunRow>()
    for (const record of records) {
      const row = this.#take(record, true)
      if ('run' in row && row.parent) parents.add(row.parent)
      const top = 'run' in row ? topOf(row) : row
      // It stands where it began.
      older.delete(top)
      older.add(top)
    }
    for (const { children } of parents) children.sort((a, b) => a.seq - b.seq)
    const rest = this.tops.filter((top) => !older.has(top))
    this.tops.length = 0
    for (const some of [[...older].reverse(), rest])
      for (const top of some) if (!('run' in top && top.parent)) top.index = this.tops.push(top) - 1
    this.stale = 0
  }

  /** What a row shows, or whether it does, is to be looked at again. */
  touch(row: Row): void {
    this.stale = Math.min(this.stale, ('run' in row ? topOf(row) : row).index)
  }

  #take(record: StoredRecord, isOlder: boolean): Row {
    this.records++
    if ('event' in record) return this.#hear(record, isOlder)
    this.#isChange = true
    count(this.levels, record.level, 1)
    count(this.kinds, 'message', 1)
    return messageRow(record)
  }

  #hear({ event, level }: StoredEvent, isOlder: boolean): RunRow {
    const row = this.#runs.get(event.run.id) ?? this.#add(event.run)
    // A run that was resumed is told again, below another call: it stands where it was told last.
    if (isOlder && row.start !== undefined) return row
    if (!isOlder && event.type === 'start' && row.seq !== Infinity) Object.assign(row, untold)
    if (!row.isKnown || event.type === 'start') this.#meet(row, event.run)
    if (levels.indexOf(level) > levels.indexOf(row.level)) this.#raise(row, level)
    tell(row, event, level)
    for (let at: RunRow | undefined = row; at; at = at.parent) {
      at.from = Math.min(at.from, event.at)
      at.to = Math.max(at.to, event.at)
      at.version++
    }
    if (event.type === 'end' || event.type === 'error') {
      row.total ??= row.usage
      const top = topOf(row)
      if (top !== row) top.total = addUsage(top.total, row.usage)
    }
    return row
  }

  #add(run: Run): RunRow {
    this.#isChange = true
    const row = runRow(run)
    this.#runs.set(run.id, row)
    return row
  }

  /** A run that was only mentioned until now, or as a stand-in. */
  #meet(row: RunRow, run: Run): void {
    if (row.isKnown) this.#count(row, -1)
    row.run = run
    row.isKnown = true
    this.#count(row, 1)
    const { parentId, rootId } = run
    const above = parentId === undefined ? undefined : (this.#runs.get(parentId) ?? this.#mentioned(parentId, rootId))
    if (above !== row.parent) this.#move(row, above)
  }

  /** A run of which nothing but the id is known yet. */
  #mentioned(id: string, rootId: string): RunRow {
    const row = this.#add({ id, parentId: undefined, rootId, name: '…', kind: 'chain', tags: [], metadata: {} })
    if (id !== rootId) this.#move(row, this.#runs.get(rootId) ?? this.#mentioned(rootId, rootId))
    return row
  }

  #move(row: RunRow, above: RunRow | undefined): void {
    this.#isChange = true
    const old = row.parent
    if (old) {
      this.touch(old)
      old.version++
      old.children.splice(old.children.indexOf(row), 1)
    }
    row.parent = isFree(row, above) ? above : undefined
    if (row.index !== -1 && row.parent) this.#drop(row)
    row.parent?.children.push(row)
  }

  #drop(row: RunRow): void {
    this.tops.splice(row.index, 1)
    for (let i = row.index; i < this.tops.length; i++) {
      const top = this.tops[i]
      if (top) top.index = i
    }
    this.stale = Math.min(this.stale, row.index)
    row.index = -1
  }

  #raise(row: RunRow, level: LogLevel): void {
    this.#isChange = true
    count(this.levels, row.level, -1)
    row.level = level
    count(this.levels, level, 1)
  }

  #count({ run, level }: RunRow, by: 1 | -1): void {
    count(this.levels, level, by)
    count(this.kinds, run.kind, by)
    for (const tag of new Set(run.tags)) count(this.tags, tag, by)
  }
}

/** Whether it can stand there: not below itself, and not too deep. */
function isFree(row: RunRow, above: RunRow | undefined): boolean {
  let depth = 0
  for (let at = above; at; at = at.parent) if (at === row || ++depth > DEPTH) return false
  return true
}

function count(counts: Counts, key: string, by: 1 | -1): void {
  const map = counts as Map<string, number>
  const sum = (map.get(key) ?? 0) + by
  if (sum > 0) map.set(key, sum)
  else map.delete(key)
}

const names = ['source', 'id', 'model', 'url']

/** What of these names and figures is as it should be: a log may be anybody's. */
const sound = <T extends object>(given: T | undefined): T | undefined =>
  given &&
  (Object.fromEntries(Object.entries(given).filter(([key, value]) => typeof value === (names.includes(key) ? 'string' : 'number'))) as T)

function tell(row: RunRow, event: RunEvent, level: LogLevel): void {
  row.seq = Math.min(row.seq, event.seq)
  if (event.type === 'start') row.start = event.at
  if (event.type === 'retry') row.retries++
  if (event.type === 'token') {
    row.tokens++
    row.first = Math.min(row.first ?? Infinity, event.at)
    row.last = Math.max(row.last ?? -Infinity, event.at)
  }
  if (event.type !== 'end' && event.type !== 'error') return
  row.end = event.at
  row.ending = event.type === 'end' ? 'ended' : level === 'error' ? 'failed' : 'stopped'
  row.usage = sound(event.usage)
  row.answered = sound(event.answered)
}
