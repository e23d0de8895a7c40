import type { Backend, SegmentRange, StoredSegmentHeader } from '../pipeline/backend.ts'
import { exceedsLimits } from '../pipeline/retention.ts'
import type { Segment } from '../segment/segment.ts'
import type { PruneLimits } from '../store.ts'

const DEFAULT_MEMORY_LIMITS: PruneLimits = { maxRecords: 10_000, maxBytes: 16_777_216 }

/** Stores segments in memory; removes the oldest ones beyond the limits. */
export const memoryBackend = (limits: PruneLimits = DEFAULT_MEMORY_LIMITS): Backend => new MemoryBackend(limits)

class MemoryBackend implements Backend {
  readonly isDurable: boolean = false
  readonly #limits: PruneLimits
  /** In ascending order of keys. */
  #heads: StoredSegmentHeader[] = []
  readonly #bodies = new Map<string, string>()
  #lastKey = 0
  #records = 0
  #bytes = 0
  #onChange: (isRemoval: boolean) => void = () => {}

  constructor(limits: PruneLimits) {
    this.#limits = limits
  }

  async add(segments: readonly Segment[]): Promise<readonly number[]> {
    const added = segments.map(({ head }) => ({ ...head, key: ++this.#lastKey }))
    this.#heads.push(...added)
    for (const { head, body } of segments) {
      this.#bodies.set(head.name, body)
      this.#records += head.records
      this.#bytes += head.bytes
    }
    this.#enforceLimits()
    return added.map(({ key }) => key)
  }

  #enforceLimits(): void {
    const { maxRecords = Infinity, maxBytes = Infinity, maxAgeMs } = this.#limits
    // While a log is followed, every token is a segment of its own: there are thousands to check.
    if (this.#records <= maxRecords && this.#bytes <= maxBytes && maxAgeMs === undefined) return
    const newestFirst = this.#heads.toReversed()
    if (!newestFirst.some(exceedsLimits(this.#limits))) return
    // A little more than needed: every removal makes the pipeline write all Run objects again.
    this.#remove(newestFirst.filter(exceedsLimits(reduceLimits(this.#limits))))
    this.#onChange(true)
  }

  #remove(heads: readonly StoredSegmentHeader[]): void {
    for (const { name, records, bytes } of heads) {
      if (!this.#bodies.delete(name)) continue
      this.#records -= records
      this.#bytes -= bytes
    }
    this.#heads = this.#heads.filter(({ name }) => this.#bodies.has(name))
  }

  async heads({ from, to, order, limit }: SegmentRange): Promise<readonly StoredSegmentHeader[]> {
    const heads = this.#heads
    const [first, end] = [heads.findLastIndex(({ key }) => key < from) + 1, heads.findLastIndex(({ key }) => key <= to) + 1]
    if (order === 'asc') return heads.slice(first, Math.min(end, first + limit))
    return heads.slice(Math.max(first, end - limit), end).reverse()
  }

  async bodies(names: readonly string[]): Promise<readonly (string | undefined)[]> {
    return names.map((name) => this.#bodies.get(name))
  }

  async remove(heads: readonly StoredSegmentHeader[]): Promise<void> {
    this.#remove(heads)
  }

  async clear(): Promise<void> {
    this.#remove(this.#heads)
  }

  watch(onChange: (isRemoval: boolean) => void): void {
    this.#onChange = onChange
  }

  close(): void {}
}

const RETAINED_FRACTION = 15 / 16

const reduceLimits = ({ maxRecords = Infinity, maxBytes = Infinity, maxAgeMs = Infinity }: PruneLimits): PruneLimits => ({
  maxRecords: maxRecords * RETAINED_FRACTION,
  maxBytes: maxBytes * RETAINED_FRACTION,
  maxAgeMs,
})
