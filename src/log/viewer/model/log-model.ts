import type { StoredRecord } from '../../record.ts'
import { isFilterActive, rowMatches, type ViewFilter } from './filter.ts'
import { type Row, type RunRow, topRunOf } from './row.ts'
import { type Counts, RowForest } from './row-forest.ts'

/** Maximum nesting in the list; deeper rows are not displayed. */
const MAX_LINE_DEPTH = 200

/** Turns records into the rows of the list. Independent of the DOM. */
export class LogModel {
  readonly #forest = new RowForest()
  #lines: Row[] = []
  /** Number of top-level rows whose lines have been built. */
  #builtTops = 0
  #filter: ViewFilter = {}
  #isFiltered = false
  #isOpenByDefault = true
  /** Runs whose state differs from `#isOpenByDefault`. */
  readonly #toggledRuns = new Set<RunRow>()

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

  /** Number of top-level rows, in total and shown. */
  get topCounts(): { readonly all: number; readonly shown: number } {
    return { all: this.#forest.topRows.length, shown: this.rows.length === 0 ? 0 : (this.#forest.topRows.at(-1)?.position ?? 0) }
  }

  run(id: string): RunRow | undefined {
    return this.#forest.get(id)
  }

  /** Adds a record that is newer than all others. */
  append(record: StoredRecord): Row {
    const row = this.#forest.append(record)
    if (this.#isFiltered) this.#forest.markStale(row)
    return row
  }

  /** Adds records that are older than all others, the newest first. */
  prepend(records: readonly StoredRecord[]): void {
    this.#forest.prepend(records)
  }

  get filter(): ViewFilter {
    return this.#filter
  }

  set filter(filter: ViewFilter) {
    this.#filter = filter
    this.#isFiltered = isFilterActive(filter)
    this.refresh()
  }

  /** Rebuilds all lines, e.g. because the search has found more rows. */
  refresh(): void {
    this.#forest.firstStaleIndex = 0
  }

  isOpen(row: RunRow): boolean {
    return this.#toggledRuns.has(row) !== this.#isOpenByDefault
  }

  /** Expands or collapses a run. */
  toggle(row: RunRow, isOpen: boolean = !this.isOpen(row)): void {
    if (isOpen === this.#isOpenByDefault) this.#toggledRuns.delete(row)
    else this.#toggledRuns.add(row)
    row.version++
    this.#forest.markStale(row)
  }

  /** Expands or collapses all runs. */
  setAllOpen(isOpen: boolean): void {
    this.#isOpenByDefault = isOpen
    this.#toggledRuns.clear()
    this.refresh()
  }

  /** The rows to display, rebuilt from the first change on. */
  get rows(): readonly Row[] {
    const forest = this.#forest
    const from = Math.min(forest.firstStaleIndex, this.#builtTops)
    if (from < forest.topRows.length) this.#buildLines(from)
    forest.firstStaleIndex = Infinity
    return this.#lines
  }

  /** The index of a row in `rows`; -1 if it is not displayed. */
  indexOf(row: Row): number {
    const { rows } = this
    const { line } = 'run' in row ? topRunOf(row) : row
    return rows.indexOf(row, line)
  }

  #buildLines(from: number): void {
    const { topRows } = this.#forest
    // A new array, so that holders of the previous one keep their indexes: prepended records shift all of them.
    if (from === 0) this.#lines = []
    else if (from < this.#builtTops) this.#lines.length = topRows[from]?.line ?? 0
    let position = topRows[from - 1]?.position ?? 0
    for (let i = from; i < topRows.length; i++) {
      const top = topRows[i]
      if (!top) continue
      top.line = this.#lines.length
      if (this.#addLines(top, 0)) position++
      top.position = position
    }
    this.#builtTops = topRows.length
  }

  /** Adds the lines of a row and its children; returns whether the row is displayed. */
  #addLines(row: Row, depth: number): boolean {
    const lines = this.#lines
    const line = lines.push(row) - 1
    row.isMatch = !this.#isFiltered || rowMatches(row, this.#filter)
    row.depth = depth
    let isShown = row.isMatch
    if ('run' in row && depth < MAX_LINE_DEPTH) {
      row.size = 0
      for (const child of row.children) if (this.#addLines(child, depth + 1)) child.position = ++row.size
      isShown ||= row.size > 0
      if (!this.isOpen(row)) lines.length = line + 1
    }
    if (!isShown) lines.length = line
    return isShown
  }
}
