import type { StoredRecord } from '../../record.ts'
import { isActive, matches, type ViewFilter } from './filter.ts'
import { type Row, type RunRow, topOf } from './row.ts'
import { type Counts, Forest } from './row-forest.ts'

/** Nothing is nested deeper than this in the list. */
const DEPTH = 200

/** A log as lines: records in, what is to be seen out. It knows nothing of pages. */
export class LogModel {
  readonly #forest = new Forest()
  #lines: Row[] = []
  /** Of so many of the forest's tops the lines are made. */
  #made = 0
  #filter: ViewFilter = {}
  #isFiltered = false
  #isOpen = true
  /** Runs that are not as `#isOpen` says. */
  readonly #turned = new Set<RunRow>()

  get records(): number {
    return this.#forest.records
  }

  get levels(): Counts {
    return this.#forest.levels
  }

  get kinds(): Counts {
    return this.#forest.kinds
  }

  get tags(): Counts {
    return this.#forest.tags
  }

  /** How many runs and free records stand at the outermost level: what is there, and what of it is shown. */
  get tops(): { readonly all: number; readonly shown: number } {
    return { all: this.#forest.tops.length, shown: this.rows.length === 0 ? 0 : (this.#forest.tops.at(-1)?.position ?? 0) }
  }

  run(id: string): RunRow | undefined {
    return this.#forest.get(id)
  }

  /** Takes a record that is newer than all others. */
  append(record: StoredRecord): Row {
    const row = this.#forest.append(record)
    if (this.#isFiltered) this.#forest.touch(row)
    return row
  }

  /** Takes records that are older than all others, the newest first. */
  prepend(records: readonly StoredRecord[]): void {
    this.#forest.prepend(records)
  }

  get filter(): ViewFilter {
    return this.#filter
  }

  set filter(filter: ViewFilter) {
    this.#filter = filter
    this.#isFiltered = isActive(filter)
    this.refresh()
  }

  /** Looks at all rows again: the filter is the same, but it has found more. */
  refresh(): void {
    this.#forest.stale = 0
  }

  isOpen(row: RunRow): boolean {
    return this.#turned.has(row) !== this.#isOpen
  }

  /** Opens a run, or closes it. */
  turn(row: RunRow, isOpen: boolean = !this.isOpen(row)): void {
    if (isOpen === this.#isOpen) this.#turned.delete(row)
    else this.#turned.add(row)
    row.version++
    this.#forest.touch(row)
  }

  /** Opens all runs, or closes them. */
  turnAll(isOpen: boolean): void {
    this.#isOpen = isOpen
    this.#turned.clear()
    this.refresh()
  }

  /** The lines to be seen. Only from where something has changed are they made anew. */
  get rows(): readonly Row[] {
    const forest = this.#forest
    const from = Math.min(forest.stale, this.#made)
    if (from < forest.tops.length) this.#make(from)
    forest.stale = Infinity
    return this.#lines
  }

  /** Where a row is among the lines; -1 where it is not shown. */
  indexOf(row: Row): number {
    const { rows } = this
    const { line } = 'run' in row ? topOf(row) : row
    return rows.indexOf(row, line)
  }

  #make(from: number): void {
    const { tops } = this.#forest
    // Who holds the lines of before can still find their places: older records change all of them.
    if (from === 0) this.#lines = []
    else if (from < this.#made) this.#lines.length = tops[from]?.line ?? 0
    let position = tops[from - 1]?.position ?? 0
    for (let i = from; i < tops.length; i++) {
      const top = tops[i]
      if (!top) continue
      top.line = this.#lines.length
      if (this.#put(top, 0)) position++
      top.position = position
    }
    this.#made = tops.length
  }

  /** Gives whether the row is shown. */
  #put(row: Row, depth: number): boolean {
    const lines = this.#lines
    const line = lines.push(row) - 1
    row.isMatch = !this.#isFiltered || matches(row, this.#filter)
    row.depth = depth
    let isShown = row.isMatch
    if ('run' in row && depth < DEPTH) {
      row.size = 0
      for (const child of row.children) if (this.#put(child, depth + 1)) child.position = ++row.size
      isShown ||= row.size > 0
      if (!this.isOpen(row)) lines.length = line + 1
    }
    if (!isShown) lines.length = line
    return isShown
  }
}
