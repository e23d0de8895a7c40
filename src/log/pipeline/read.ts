import type { LogQuery, StoredRecord } from '../record.ts'
import { RunBook, SegmentReader } from '../segment/reader.ts'
import { type Head, type Placed, positionOf, type Segment, waitingAt } from '../segment/segment.ts'
import type { KeptHead } from './backend.ts'
import { type Matcher, matcher } from './match.ts'
import type { Outbox } from './write-queue.ts'
import type { Writer } from './writer.ts'

type Batches = AsyncGenerator<readonly StoredRecord[], void>

const HEADS = 32
const BODIES = 8

/** The key in a cursor. */
const keyIn = (bound: unknown): number | undefined => (typeof bound === 'string' ? Number.parseInt(bound.slice(0, 8), 36) || 0 : undefined)

/** One pass over the log, or several that go on where the last one stopped. */
class Scan {
  readonly #log: Outbox
  #match: Matcher
  readonly #book = new RunBook()
  /** Names of segments that were read while they waited to be kept. */
  readonly #early = new Set<string>()
  /** Names of segments that were read as kept, though this page has not heard of that yet. */
  #unheard = new Set<string>()
  readonly #query: LogQuery
  readonly #isDesc: boolean
  /** The newest key that is known. */
  #last: number
  #from: number
  #to: number
  #left: number

  constructor(log: Outbox, query: LogQuery) {
    this.#log = log
    this.#query = query
    this.#match = matcher(query)
    this.#isDesc = query.order === 'desc'
    this.#from = keyIn(query.after) ?? 0
    this.#to = keyIn(query.before) ?? Infinity
    this.#last = Math.max(this.#from, keyIn(query.before) ?? 0)
    this.#left = query.limit ?? Infinity
  }

  /** Records in batches, to where the log ends. */
  async *batches(): Batches {
    if (this.#isDesc) yield* this.#waiting()
    while (this.#left > 0) {
      const page = { from: this.#from, to: this.#to, order: this.#isDesc ? 'desc' : 'asc', limit: HEADS } as const
      const heads = await this.#log.backend.heads(page)
      const last = heads.at(-1)
      if (!last) break
      this.#last = Math.max(this.#last, last.key)
      if (this.#isDesc) this.#to = last.key - 1
      else this.#from = last.key + 1
      yield* this.#page(heads.filter((head) => this.#isNew(head)))
    }
    if (!this.#isDesc) yield* this.#waiting()
  }

  /** Begins anew where the log is another one: somebody has deleted its database, and keys count from one again. */
  async check(): Promise<void> {
    if ((await this.#log.lastKept()) >= this.#last) return
    const { after: _after, ...query } = this.#query
    this.#match = matcher(query)
    this.#from = this.#last = 0
  }

  async *#page(heads: readonly KeptHead[]): Batches {
    for (let at = 0; at < heads.length && this.#left > 0; ) {
      const some = this.#some(heads.slice(at, at + BODIES))
      at += some.length
      const bodies = await this.#log.backend.bodies(some.map(({ name }) => name))
      for (const [i, head] of some.entries()) {
        const body = bodies[i]
        if (body !== undefined) yield* this.#segment({ head, body, position: positionOf(head.key) })
      }
    }
  }

  /** As many as are likely to be needed. */
  #some(heads: readonly KeptHead[]): readonly KeptHead[] {
    let records = 0
    const enough = heads.findIndex((head) => (records += head.records) >= this.#left)
    return enough === -1 ? heads : heads.slice(0, enough + 1)
  }

  async *#waiting(): Batches {
    if (this.#isDesc && this.#log.waiting.length > 0) this.#last = Math.max(this.#last, await this.#log.lastKept())
    const { waiting } = this.#log
    this.#unheard = new Set(waiting.flatMap(({ head }) => (this.#unheard.has(head.name) ? [head.name] : [])))
    for (const segment of this.#isDesc ? waiting.toReversed() : waiting) {
      const { head, number } = segment
      if (this.#early.has(head.name) || this.#unheard.has(head.name) || !this.#match.head(head)) continue
      this.#early.add(head.name)
      yield* this.#segment({ ...segment, position: waitingAt(this.#last, number) })
    }
  }

  /** Whether it is to be read, and was not while it waited. */
  #isNew(head: Head): boolean {
    if (this.#log.waiting.some((waiting) => waiting.head.name === head.name)) this.#unheard.add(head.name)
    return !this.#early.delete(head.name) && this.#match.head(head)
  }

  async *#segment(segment: Placed): Batches {
    if (this.#left <= 0) return
    await this.#meet(segment)
    if (!this.#match.body(segment.body) && !this.#isNamed(segment)) return
    const reader = new SegmentReader(segment, this.#book)
    const found: StoredRecord[] = []
    for (let i = 0; i < reader.size && this.#left > 0; i++) {
      const record = reader.get(this.#isDesc ? reader.size - 1 - i : i)
      if (!record || !this.#match.record(record)) continue
      found.push(record)
      this.#left--
    }
    if (found.length > 0) yield found
  }

  /** Whether a run in it that is whole elsewhere has a name that is looked for. */
  #isNamed({ head }: Segment): boolean {
    return head.elsewhere.some(([id]) => this.#match.body(JSON.stringify(this.#book.get(id)?.name ?? '')))
  }

  /** Reads of the runs that are whole elsewhere. */
  async #meet({ head }: Segment): Promise<void> {
    const missing = head.elsewhere.filter(([id]) => !this.#book.has(id)).map(([, name]) => name)
    if (missing.length === 0) return
    const names = [...new Set(missing)]
    const waiting = new Map(this.#log.waiting.map(({ head, body }) => [head.name, body]))
    const bodies = await this.#log.backend.bodies(names)
    for (const [i, name] of names.entries()) this.#book.noteAll(bodies[i] ?? waiting.get(name) ?? '')
  }
}

/** What is in a log, what was written just now included. */
export async function* read(writer: Writer, query: LogQuery): Batches {
  yield* (await begin(writer, query)).batches()
}

/** What is in a log, and what comes into it, until `until` settles. */
export async function* follow(writer: Writer, query: LogQuery, until: Promise<void>): Batches {
  let isOver = false
  let wake = (): void => {}
  void until.then(() => {
    isOver = true
    wake()
  })
  writer.followers++
  try {
    const scan = await begin(writer, query)
    let { removals } = writer
    while (!isOver) {
      const { change } = writer
      if (removals !== writer.removals) await scan.check()
      removals = writer.removals
      yield* scan.batches()
      // Not a race with `until`: of each round it would remember something.
      if (!isOver)
        await new Promise<void>((resolve) => {
          wake = resolve
          void change.then(resolve)
        })
    }
  } finally {
    writer.followers--
  }
}

async function begin(writer: Writer, query: LogQuery): Promise<Scan> {
  await writer.flush().catch(() => {})
  return new Scan(await writer.opened, query)
}
