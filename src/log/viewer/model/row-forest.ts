import type { Run, RunEvent } from '../../../core/event.ts'
import { addUsage } from '../../../core/usage.ts'
import { type LogLevel, levels } from '../../level.ts'
import type { StoredEvent, StoredRecord } from '../../record.ts'
import { createMessageRow, createRunRow, initialRunState, type Row, type RunRow, topRunOf } from './row.ts'

/** Maximum nesting of runs; deeper ones become top-level rows. An imported log could contain cycles. */
const MAX_ROW_NESTING = 100

/** Number of runs and free records by name. */
export type Counts = ReadonlyMap<string, number>

/** Builds a forest of runs and free records from records. The cost per record does not grow with their number. */
export class RowForest {
  /** Runs without a parent, and free records, in log order. */
  readonly topRows: Row[] = []
  /** Index of the first top-level row whose lines must be rebuilt. */
  firstStaleIndex: number = Infinity
  /** Number of added records. */
  records = 0
  readonly levels: Counts = new Map()
  /** `message` for free records. */
  readonly kinds: Counts = new Map()
  readonly tags: Counts = new Map()
  readonly #runs = new Map<string, RunRow>()
  /** Whether the record being added creates a row, moves one or raises a level. */
  #isStructureChanged = false

  get(id: string): RunRow | undefined {
    return this.#runs.get(id)
  }

  /** Adds a record that is newer than all others; returns its row. */
  append(record: StoredRecord): Row {
    this.#isStructureChanged = false
    const row = this.#addRecord(record, false)
    const top = 'run' in row ? topRunOf(row) : row
    if ('run' in top) top.isLive = true
    if (top.index === -1) top.index = this.topRows.push(top) - 1
    if (this.#isStructureChanged) this.markStale(row)
    return row
  }

  /** Adds records that are older than all others, the newest first. */
  prepend(records: readonly StoredRecord[]): void {
    const older = new Set<Row>()
    const parents = new Set<RunRow>()
    for (const record of records) {
      const row = this.#addRecord(record, true)
      if ('run' in row && row.parent) parents.add(row.parent)
      const top = 'run' in row ? topRunOf(row) : row
      // Moves the tree to its earliest record.
      older.delete(top)
      older.add(top)
    }
    for (const { children } of parents) children.sort((a, b) => a.firstSeq - b.firstSeq)
    const rest = this.topRows.filter((top) => !older.has(top))
    this.topRows.length = 0
    for (const rows of [[...older].reverse(), rest])
      for (const top of rows) if (!('run' in top && top.parent)) top.index = this.topRows.push(top) - 1
    this.firstStaleIndex = 0
  }

  /** Requests that the lines of a row's tree are rebuilt. */
  markStale(row: Row): void {
    this.firstStaleIndex = Math.min(this.firstStaleIndex, ('run' in row ? topRunOf(row) : row).index)
  }

  #addRecord(record: StoredRecord, isOlder: boolean): Row {
    this.records++
    if ('event' in record) return this.#applyEvent(record, isOlder)
    this.#isStructureChanged = true
    adjustCount(this.levels, record.level, 1)
    adjustCount(this.kinds, 'message', 1)
    return createMessageRow(record)
  }

  #applyEvent({ event, level }: StoredEvent, isOlder: boolean): RunRow {
    const row = this.#runs.get(event.run.id) ?? this.#addRun(event.run)
    // The events of a resumed run are logged again, below another call: the last ones determine its place.
    if (isOlder && row.start !== undefined) return row
    if (!isOlder && event.type === 'start' && row.firstSeq !== Infinity) Object.assign(row, initialRunState)
    if (!row.isKnown || event.type === 'start') this.#defineRun(row, event.run)
    if (levels.indexOf(level) > levels.indexOf(row.level)) this.#raiseLevel(row, level)
    updateRunRow(row, event, level)
    for (let at: RunRow | undefined = row; at; at = at.parent) {
      at.from = Math.min(at.from, event.at)
      at.to = Math.max(at.to, event.at)
      at.version++
    }
    if (event.type === 'end' || event.type === 'error') {
      row.totalUsage ??= row.usage
      const top = topRunOf(row)
      if (top !== row) top.totalUsage = addUsage(top.totalUsage, row.usage)
    }
    return row
  }

  #addRun(run: Run): RunRow {
    this.#isStructureChanged = true
    const row = createRunRow(run)
    this.#runs.set(run.id, row)
    return row
  }

  /** Sets the run of a row that was a placeholder, or that a later start event defines anew. */
  #defineRun(row: RunRow, run: Run): void {
    if (row.isKnown) this.#countRun(row, -1)
    row.run = run
    row.isKnown = true
    this.#countRun(row, 1)
    const { parentId, rootId } = run
    const above = parentId === undefined ? undefined : (this.#runs.get(parentId) ?? this.#addPlaceholder(parentId, rootId))
    if (above !== row.parent) this.#setParent(row, above)
  }

  /** Adds a row for a run of which only the id is known yet. */
  #addPlaceholder(id: string, rootId: string): RunRow {
    const row = this.#addRun({ id, parentId: undefined, rootId, name: '…', kind: 'chain', tags: [], metadata: {} })
    if (id !== rootId) this.#setParent(row, this.#runs.get(rootId) ?? this.#addPlaceholder(rootId, rootId))
    return row
  }

  #setParent(row: RunRow, above: RunRow | undefined): void {
    this.#isStructureChanged = true
    const old = row.parent
    if (old) {
      this.markStale(old)
      old.version++
      old.children.splice(old.children.indexOf(row), 1)
    }
    row.parent = canBeParent(row, above) ? above : undefined
    if (row.index !== -1 && row.parent) this.#removeTopRow(row)
    row.parent?.children.push(row)
  }

  #removeTopRow(row: RunRow): void {
    this.topRows.splice(row.index, 1)
    for (let i = row.index; i < this.topRows.length; i++) {
      const top = this.topRows[i]
      if (top) top.index = i
    }
    this.firstStaleIndex = Math.min(this.firstStaleIndex, row.index)
    row.index = -1
  }

  #raiseLevel(row: RunRow, level: LogLevel): void {
    this.#isStructureChanged = true
    adjustCount(this.levels, row.level, -1)
    row.level = level
    adjustCount(this.levels, level, 1)
  }

  #countRun({ run, level }: RunRow, by: 1 | -1): void {
    adjustCount(this.levels, level, by)
    adjustCount(this.kinds, run.kind, by)
    for (const tag of new Set(run.tags)) adjustCount(this.tags, tag, by)
  }
}

/** Whether `above` may become the parent: the row must not end up below itself, or too deep. */
function canBeParent(row: RunRow, above: RunRow | undefined): boolean {
  let depth = 0
  for (let at = above; at; at = at.parent) if (at === row || ++depth > MAX_ROW_NESTING) return false
  return true
}

function adjustCount(counts: Counts, key: string, by: 1 | -1): void {
  const map = counts as Map<string, number>
  const sum = (map.get(key) ?? 0) + by
  if (sum > 0) map.set(key, sum)
  else map.delete(key)
}

const TEXT_FIELDS = ['source', 'id', 'model', 'url']

/** Keeps the fields of the right type: an imported log may contain anything. */
const keepValidFields = <T extends object>(given: T | undefined): T | undefined =>
  given &&
  (Object.fromEntries(
    Object.entries(given).filter(([key, value]) => typeof value === (TEXT_FIELDS.includes(key) ? 'string' : 'number')),
  ) as T)

function updateRunRow(row: RunRow, event: RunEvent, level: LogLevel): void {
  row.firstSeq = Math.min(row.firstSeq, event.seq)
  if (event.type === 'start') row.start = event.at
  if (event.type === 'retry') row.retries++
  if (event.type === 'token') {
    row.tokens++
    row.firstTokenAt = Math.min(row.firstTokenAt ?? Infinity, event.at)
    row.lastTokenAt = Math.max(row.lastTokenAt ?? -Infinity, event.at)
  }
  if (event.type !== 'end' && event.type !== 'error') return
  row.end = event.at
  row.ending = event.type === 'end' ? 'ended' : level === 'error' ? 'failed' : 'stopped'
  row.usage = keepValidFields(event.usage)
  row.answered = keepValidFields(event.answered)
}
