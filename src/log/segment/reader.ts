import type { Run, RunEvent } from '../../core/event.ts'
import { decoder } from '../../core/json/decoder.ts'
import { parse } from '../../core/json/parse.ts'
import { type LogLevel, levelOf } from '../level.ts'
import type { StoredRecord } from '../record.ts'
import { type JoinLine, order, type Placed } from './segment.ts'

/** Runs that a read remembers at once. */
const REMEMBERED = 10_000

/** The runs that a read has met: all events of one have the same Run object. */
export class RunBook {
  readonly #runs = new Map<string, Run>()
  readonly decode: (json: string) => RunEvent = decoder()

  has(id: string): boolean {
    return this.#runs.has(id)
  }

  get(id: string): Run | undefined {
    return this.#runs.get(id)
  }

  /** Notes a run that is whole here; the first to be met stands, unless the run was resumed, and is told below another call. */
  note(run: Run): void {
    const known = this.#runs.get(run.id)
    if (known && known.parentId === run.parentId && known.rootId === run.rootId) return
    if (!known && this.#runs.size >= REMEMBERED) for (const id of [...this.#runs.keys()].slice(0, REMEMBERED / 2)) this.#runs.delete(id)
    this.#runs.set(run.id, run)
  }

  /** Notes the runs that are whole in a segment. */
  noteAll(body: string): void {
    for (const line of body.split('\n')) if (line.startsWith('{"run":{')) attempt(() => this.note(this.decode(line).run))
  }
}

/** One token of many. */
interface Joined extends Pick<JoinLine, 'run' | 'at' | 'seq' | 'place'> {
  readonly token: string
}

/** The records of a segment, one by one. What cannot be read (a newer version wrote it) is left out. */
export class SegmentReader {
  readonly #name: string
  readonly #position: string
  readonly #book: RunBook
  readonly #body: string
  readonly #slots: readonly (string | Joined)[]
  #isNoted = false

  constructor({ head, body, position }: Placed, book: RunBook) {
    this.#name = head.name
    this.#position = position
    this.#book = book
    this.#body = body
    this.#slots = slotsOf(body, head.records)
  }

  get size(): number {
    return this.#slots.length
  }

  cursorAt(index: number): string {
    return `${this.#position}-${order(index, 5)}`
  }

  get(index: number): StoredRecord | undefined {
    const slot = this.#slots[index]
    if (slot === undefined) return undefined
    return attempt(() => {
      const { id, cursor } = { id: `${this.#name}.${index}`, cursor: this.cursorAt(index) }
      if (typeof slot === 'string' && !slot.startsWith('{"run":')) return { id, cursor, ...messageOf(slot) }
      const event = typeof slot === 'string' ? this.#event(slot) : this.#token(slot)
      return { id, cursor, at: event.at, level: levelOf(event), event }
    })
  }

  #event(line: string): RunEvent {
    const event = this.#book.decode(line)
    if (line.startsWith('{"run":{')) this.#book.note(event.run)
    const run = this.#run(event.run.id)
    return run ? { ...event, run } : event
  }

  #token({ run: id, token, at, seq }: Joined): RunEvent {
    const run = this.#run(id) ?? this.#book.decode(`{"run":${JSON.stringify(id)},"at":0,"seq":0,"type":"token","token":""}`).run
    return { run, at, seq, type: 'token', token }
  }

  #run(id: string): Run | undefined {
    if (!this.#book.has(id) && !this.#isNoted) {
      this.#isNoted = true
      this.#book.noteAll(this.#body)
    }
    return this.#book.get(id)
  }
}

/** Each record at its place: tokens know theirs, and the other lines fill what is left. */
function slotsOf(body: string, records: number): readonly (string | Joined)[] {
  const slots: (string | Joined)[] = []
  const lines = body.split('\n')
  const joins = lines.findIndex((line) => line.startsWith('{"tokens":'))
  for (const line of joins === -1 ? [] : lines.splice(joins)) {
    attempt(() => {
      for (const token of takeApart(JSON.parse(line) as JoinLine)) slots[token.place] = token
    })
  }
  let place = 0
  for (const line of lines) {
    while (slots[place] !== undefined) place++
    if (place < records) slots[place] = line
  }
  return slots
}

/** Takes joined tokens apart. */
function takeApart({ tokens, run, text, at, seq, place }: JoinLine): readonly Joined[] {
  const all: Joined[] = []
  for (let i = 0, from = 0; i + 3 < tokens.length; i += 4) {
    const [length = 0, later = 0, seqs = 0, places = 0] = tokens.slice(i, i + 4)
    all.push({ run, token: text.slice(from, from + length), at: at + later, seq: seq + seqs, place: place + places })
    from += length
  }
  return all
}

interface MessageLine {
  readonly level: LogLevel
  readonly at: number
  readonly category: readonly string[]
  readonly message: string
  readonly properties: Readonly<Record<string, unknown>>
}

const messageOf = (line: string): MessageLine => parse(line) as MessageLine

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
