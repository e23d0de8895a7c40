import type { LogQuery, StoredRecord } from '../record.ts'
import { RunRegistry, SegmentReader } from '../segment/reader.ts'
import { type LocatedSegment, pendingCursorPrefix, type Segment, type SegmentHeader, storedCursorPrefix } from '../segment/segment.ts'
import type { StoredSegmentHeader } from './backend.ts'
import type { LogPipeline } from './log-pipeline.ts'
import { type Matcher, matcher } from './match.ts'
import type { WriteQueue } from './write-queue.ts'

type RecordBatches = AsyncGenerator<readonly StoredRecord[], void>

const HEADERS_PER_READ = 32
const BODIES_PER_READ = 8

/** Returns the segment key in a cursor. */
const parseCursorKey = (bound: unknown): number | undefined =>
  typeof bound === 'string' ? Number.parseInt(bound.slice(0, 8), 36) || 0 : undefined

/** Reads the log in one pass, or in several, each of which continues after the last one. */
class LogScan {
  readonly #queue: WriteQueue
  #matcher: Matcher
  readonly #registry = new RunRegistry()
  /** Names of segments that were read before they were stored. */
  readonly #seenPending = new Set<string>()
  /** Names of segments that were read from the backend, while the write queue still has them as pending. */
  #seenUnconfirmed = new Set<string>()
  readonly #query: LogQuery
  readonly #isDesc: boolean
  /** Newest known key. */
  #lastKey: number
  #fromKey: number
  #toKey: number
  #remaining: number

  constructor(queue: WriteQueue, query: LogQuery) {
    this.#queue = queue
    this.#query = query
    this.#matcher = matcher(query)
    this.#isDesc = query.order === 'desc'
    this.#fromKey = parseCursorKey(query.after) ?? 0
    this.#toKey = parseCursorKey(query.before) ?? Infinity
    this.#lastKey = Math.max(this.#fromKey, parseCursorKey(query.before) ?? 0)
    this.#remaining = query.limit ?? Infinity
  }

  /** Yields batches of records up to the end of the log. */
  async *batches(): RecordBatches {
    if (this.#isDesc) yield* this.#readPending()
    while (this.#remaining > 0) {
      const page = { from: this.#fromKey, to: this.#toKey, order: this.#isDesc ? 'desc' : 'asc', limit: HEADERS_PER_READ } as const
      const heads = await this.#queue.backend.heads(page)
      const last = heads.at(-1)
      if (!last) break
      this.#lastKey = Math.max(this.#lastKey, last.key)
      if (this.#isDesc) this.#toKey = last.key - 1
      else this.#fromKey = last.key + 1
      yield* this.#readPage(heads.filter((head) => this.#isNew(head)))
    }
    if (!this.#isDesc) yield* this.#readPending()
  }

  /** Starts from the beginning if the database was deleted and created again: keys then restart at 1. */
  async restartIfReplaced(): Promise<void> {
    if ((await this.#queue.lastStoredKey()) >= this.#lastKey) return
    const { after: _after, ...query } = this.#query
    this.#matcher = matcher(query)
    this.#fromKey = this.#lastKey = 0
  }

  async *#readPage(heads: readonly StoredSegmentHeader[]): RecordBatches {
    for (let at = 0; at < heads.length && this.#remaining > 0; ) {
      const some = this.#takeNeeded(heads.slice(at, at + BODIES_PER_READ))
      at += some.length
      const bodies = await this.#queue.backend.bodies(some.map(({ name }) => name))
      for (const [i, head] of some.entries()) {
        const body = bodies[i]
        if (body !== undefined) yield* this.#readSegment({ head, body, cursorPrefix: storedCursorPrefix(head.key) })
      }
    }
  }

  /** The headers that are needed for the remaining records, if every record matches. */
  #takeNeeded(heads: readonly StoredSegmentHeader[]): readonly StoredSegmentHeader[] {
    let records = 0
    const enough = heads.findIndex((head) => (records += head.records) >= this.#remaining)
    return enough === -1 ? heads : heads.slice(0, enough + 1)
  }

  async *#readPending(): RecordBatches {
    if (this.#isDesc && this.#queue.pending.length > 0) this.#lastKey = Math.max(this.#lastKey, await this.#queue.lastStoredKey())
    const { pending } = this.#queue
    this.#seenUnconfirmed = new Set(pending.flatMap(({ head }) => (this.#seenUnconfirmed.has(head.name) ? [head.name] : [])))
    for (const segment of this.#isDesc ? pending.toReversed() : pending) {
      const { head, number } = segment
      if (this.#seenPending.has(head.name) || this.#seenUnconfirmed.has(head.name) || !this.#matcher.head(head)) continue
      this.#seenPending.add(head.name)
      yield* this.#readSegment({ ...segment, cursorPrefix: pendingCursorPrefix(this.#lastKey, number) })
    }
  }

  /** Whether the segment may match, and was not read while it was pending. */
  #isNew(head: SegmentHeader): boolean {
    if (this.#queue.pending.some((pending) => pending.head.name === head.name)) this.#seenUnconfirmed.add(head.name)
    return !this.#seenPending.delete(head.name) && this.#matcher.head(head)
  }

  async *#readSegment(segment: LocatedSegment): RecordBatches {
    if (this.#remaining <= 0) return
    await this.#resolveRuns(segment)
    if (!this.#matcher.body(segment.body) && !this.#matchesRunName(segment)) return
    const reader = new SegmentReader(segment, this.#registry)
    const found: StoredRecord[] = []
    for (let i = 0; i < reader.size && this.#remaining > 0; i++) {
      const record = reader.get(this.#isDesc ? reader.size - 1 - i : i)
      if (!record || !this.#matcher.record(record)) continue
      found.push(record)
      this.#remaining--
    }
    if (found.length > 0) yield found
  }

  /** Whether `text` is in the name of a run whose Run object is in another segment. */
  #matchesRunName({ head }: Segment): boolean {
    return head.elsewhere.some(([id]) => this.#matcher.body(JSON.stringify(this.#registry.get(id)?.name ?? '')))
  }

  /** Reads the Run objects that are in other segments. */
  async #resolveRuns({ head }: Segment): Promise<void> {
    const missing = head.elsewhere.filter(([id]) => !this.#registry.has(id)).map(([, name]) => name)
    if (missing.length === 0) return
    const names = [...new Set(missing)]
    const pending = new Map(this.#queue.pending.map(({ head, body }) => [head.name, body]))
    const bodies = await this.#queue.backend.bodies(names)
    for (const [i, name] of names.entries()) this.#registry.registerAll(bodies[i] ?? pending.get(name) ?? '')
  }
}

/** Yields the records of a log, including those that are not stored yet. */
export async function* readLog(pipeline: LogPipeline, query: LogQuery): RecordBatches {
  yield* (await openScan(pipeline, query)).batches()
}

/** Yields the records of a log, then new ones, until `until` settles. */
export async function* tailLog(pipeline: LogPipeline, query: LogQuery, until: Promise<void>): RecordBatches {
  let isOver = false
  let wake = (): void => {}
  void until.then(() => {
    isOver = true
    wake()
  })
  const { changes } = pipeline
  changes.tailCount++
  try {
    const scan = await openScan(pipeline, query)
    let { removalCount } = changes
    while (!isOver) {
      const { next } = changes
      if (removalCount !== changes.removalCount) await scan.restartIfReplaced()
      removalCount = changes.removalCount
      yield* scan.batches()
      // Promise.race() with `until` would keep a reaction per round in memory.
      if (!isOver)
        await new Promise<void>((resolve) => {
          wake = resolve
          void next.then(resolve)
        })
    }
  } finally {
    changes.tailCount--
  }
}

async function openScan(pipeline: LogPipeline, query: LogQuery): Promise<LogScan> {
  await pipeline.flush().catch(() => {})
  return new LogScan(await pipeline.opened, query)
}
