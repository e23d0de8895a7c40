import type { Run, RunEvent } from '../../core/event.ts'
import { decoder } from '../../core/json/decoder.ts'
import { parse } from '../../core/json/parse.ts'
import { rememberRun } from '../../core/util/remember-run.ts'
import { type LogLevel, levelOf } from '../level.ts'
import type { StoredRecord } from '../record.ts'
import { type LocatedSegment, type TokenRunLine, toSortableNumber } from './segment.ts'

/** Maximum number of runs that one read keeps. */
/** The runs seen in one read, so that all events of a run share one Run object. */
export class RunRegistry {
  readonly #runs = new Map<string, Run>()
  readonly decode: (json: string) => RunEvent = decoder()

  has(id: string): boolean {
    return this.#runs.has(id)
  }

  get(id: string): Run | undefined {
    return this.#runs.get(id)
  }

  /** Registers a Run object. The first one stays, unless the run was resumed below another parent. */
  register(run: Run): void {
    const known = this.#runs.get(run.id)
    if (known && known.parentId === run.parentId && known.rootId === run.rootId) return
    rememberRun(this.#runs, run.id, run)
  }

  /** Registers every Run object in a segment. */
  registerAll(body: string): void {
    for (const line of body.split('\n')) if (line.startsWith('{"run":{')) readOrUndefined(() => this.register(this.decode(line).run))
  }
}

/** One token of a TokenRunLine. */
interface TokenSlot extends Pick<TokenRunLine, 'run' | 'at' | 'seq' | 'place'> {
  readonly token: string
}

/** Decodes the records of a segment one by one. Records that cannot be decoded (written by a newer version) are skipped. */
export class SegmentReader {
  readonly #name: string
  readonly #cursorPrefix: string
  readonly #registry: RunRegistry
  readonly #body: string
  readonly #slots: readonly (string | TokenSlot)[]
  #isRegistered = false

  constructor({ head, body, cursorPrefix }: LocatedSegment, registry: RunRegistry) {
    this.#name = head.name
    this.#cursorPrefix = cursorPrefix
    this.#registry = registry
    this.#body = body
    this.#slots = parseSlots(body, head.records)
  }

  get size(): number {
    return this.#slots.length
  }

  cursorAt(index: number): string {
    return `${this.#cursorPrefix}-${toSortableNumber(index, 5)}`
  }

  get(index: number): StoredRecord | undefined {
    const slot = this.#slots[index]
    if (slot === undefined) return undefined
    return readOrUndefined(() => {
      const { id, cursor } = { id: `${this.#name}.${index}`, cursor: this.cursorAt(index) }
      if (typeof slot === 'string' && !slot.startsWith('{"run":')) return { id, cursor, ...parseMessageLine(slot) }
      const event = typeof slot === 'string' ? this.#readEvent(slot) : this.#readToken(slot)
      return { id, cursor, at: event.at, level: levelOf(event), event }
    })
  }

  #readEvent(line: string): RunEvent {
    const event = this.#registry.decode(line)
    if (line.startsWith('{"run":{')) this.#registry.register(event.run)
    const run = this.#resolveRun(event.run.id)
    return run ? { ...event, run } : event
  }

  #readToken({ run: id, token, at, seq }: TokenSlot): RunEvent {
    const run = this.#resolveRun(id) ?? this.#registry.decode(`{"run":${JSON.stringify(id)},"at":0,"seq":0,"type":"token","token":""}`).run
    return { run, at, seq, type: 'token', token }
  }

  #resolveRun(id: string): Run | undefined {
    if (!this.#registry.has(id) && !this.#isRegistered) {
      this.#isRegistered = true
      this.#registry.registerAll(this.#body)
    }
    return this.#registry.get(id)
  }
}

/** Puts each record at its index: tokens carry theirs, the other lines fill the rest in order. */
function parseSlots(body: string, records: number): readonly (string | TokenSlot)[] {
  const slots: (string | TokenSlot)[] = []
  const lines = body.split('\n')
  const firstTokenRun = lines.findIndex((line) => line.startsWith('{"tokens":'))
  for (const line of firstTokenRun === -1 ? [] : lines.splice(firstTokenRun)) {
    readOrUndefined(() => {
      for (const token of splitTokenRun(JSON.parse(line) as TokenRunLine)) slots[token.place] = token
    })
  }
  let place = 0
  for (const line of lines) {
    while (slots[place] !== undefined) place++
    if (place < records) slots[place] = line
  }
  return slots
}

/** Splits a line of merged tokens. */
function splitTokenRun({ tokens, run, text, at, seq, place }: TokenRunLine): readonly TokenSlot[] {
  const all: TokenSlot[] = []
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

const parseMessageLine = (line: string): MessageLine => parse(line) as MessageLine

function readOrUndefined<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
