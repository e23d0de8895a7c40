import type { StoredSegmentHeader } from '../pipeline/backend.ts'
import type { Segment, SegmentHeader } from '../segment/segment.ts'
import type { IndexedDBBackend } from './backend.ts'

const HEADERS_PER_SCAN = 1_000

/** `<writer>.<number>`; of a note `<writer>.<number>.lost` or `<writer>.<first>-<last>.removed`. */
const SEGMENT_NAME = /^(\w+)\.(\d{1,15})(?:-(\d{1,15}))?(\.lost|\.removed)?$/

/** The encrypted segments of one writer: one page's handle on the log. */
class WriterNumbers {
  readonly present: Set<number> = new Set()
  newest = -1
  /** Numbers of loss notes: they report the segments before and after theirs, up to the next ones that are there. */
  readonly lost: Set<number> = new Set()
  /** Numbers of segments that retention removed although older ones stayed, by notes. */
  readonly removed: Set<number> = new Set()

  add(number: number): void {
    this.present.add(number)
    this.newest = Math.max(this.newest, number)
  }

  /** How many segments are missing between this one and the next one that is there. */
  missingAfter(number: number): number {
    if (number >= this.newest || this.present.has(number + 1) || !this.present.has(number)) return 0
    let next = this.newest
    for (const other of this.present) if (other > number && other < next) next = other
    for (const note of this.lost) if (note >= number && note < next) return 0
    let missing = next - number - 1
    for (const other of this.removed) if (other > number && other < next) missing--
    return missing
  }
}

interface Scan {
  readonly writers: Map<string, WriterNumbers>
  /** Key of the newest header in it. */
  to: number
}

/**
 * Finds encrypted segments that are missing. Writers number their segments without gaps, and the number is part of the name, which is
 * authenticated. Retention removes the oldest segments: only a gap between two numbers of one writer is a loss.
 */
export class SegmentNumbers {
  readonly #inner: IndexedDBBackend
  readonly #isIntact: (head: SegmentHeader) => Promise<boolean>
  #scan: Scan = { writers: new Map(), to: 0 }

  constructor(inner: IndexedDBBackend, isIntact: (head: SegmentHeader) => Promise<boolean>) {
    this.#inner = inner
    this.#isIntact = isIntact
  }

  /** Starts again: segments were removed. A scan that is running keeps its own numbers. */
  reset(): void {
    this.#scan = { writers: new Map(), to: 0 }
  }

  /** Returns the number of missing segments after each of these names, without those of which none are missing. */
  async missingAfter(names: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const { writers } = await this.#update()
    const found = new Map<string, number>()
    for (const name of names) {
      const [, writer = '', number, , note] = SEGMENT_NAME.exec(name) ?? []
      const missing = note ? 0 : (writers.get(writer)?.missingAfter(Number(number)) ?? 0)
      if (missing > 0) found.set(name, missing)
    }
    return found
  }

  /** Reads the headers that are new since the last call. */
  async #update(): Promise<Scan> {
    const scan = this.#scan
    for (;;) {
      const heads = await this.#inner.heads({ from: scan.to + 1, to: Infinity, order: 'asc', limit: HEADERS_PER_SCAN })
      for (const head of heads) await this.#add(scan, head)
      if (heads.length === 0) return scan
    }
  }

  /** Names with a seal count; where it is not intact, the segment is read as unreadable. A note reports nothing: its seal must be intact. */
  async #add(scan: Scan, head: StoredSegmentHeader): Promise<void> {
    scan.to = Math.max(scan.to, head.key)
    const [, id = '', first, last, note] = SEGMENT_NAME.exec(head.name) ?? []
    if (first === undefined || typeof head.seal !== 'string' || (note && !(await this.#isIntact(head)))) return
    const writer = scan.writers.get(id) ?? new WriterNumbers()
    scan.writers.set(id, writer)
    if (note === '.lost') writer.lost.add(Number(first))
    else if (note) for (let number = Number(first); number <= Number(last); number++) writer.removed.add(number)
    else writer.add(Number(first))
  }

  /** Creates notes of segments that are about to be removed, for those whose writer has older ones that stay. */
  async removalNotes(removed: readonly SegmentHeader[]): Promise<readonly Segment[]> {
    const { writers } = await this.#update()
    const numbers = new Map<string, Set<number>>()
    for (const { name } of removed) {
      const [, id = '', first, , note] = SEGMENT_NAME.exec(name) ?? []
      if (first !== undefined && !note) numbers.set(id, (numbers.get(id) ?? new Set()).add(Number(first)))
    }
    return [...numbers].flatMap(([id, gone]) => {
      let oldest = Infinity
      for (const number of writers.get(id)?.present ?? []) if (!gone.has(number)) oldest = Math.min(oldest, number)
      const noted = [...gone].filter((number) => number > oldest)
      return toRanges(noted).map(([first, last]) => createRemovalNote(`${id}.${first}-${last}.removed`))
    })
  }
}

/** Ranges of consecutive numbers: the first and the last of each. */
function toRanges(numbers: readonly number[]): readonly (readonly [number, number])[] {
  const ranges: [number, number][] = []
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1)
    if (last?.[1] === number - 1) last[1] = number
    else ranges.push([number, number])
  }
  return ranges
}

/** A segment without records. Its name says what was removed. */
function createRemovalNote(name: string): Segment {
  const at = Date.now()
  return { head: { name, records: 0, bytes: 0, from: at, to: at, level: 0, runs: [], roots: [], elsewhere: [] }, body: '' }
}
