import type { EventOf, Run } from '../../core/event.ts'
import type { Rules } from '../redact.ts'
import type { JoinLine } from './segment.ts'

const LINES = 500
/** An engine keeps a text with one byte for each character or with two: 256 KB at most, unless a single record is longer. */
const CHARACTERS = 131_072

/** Tokens of one run as one line. A token costs some 8 bytes in it beside its text; as an event of its own it is a hundred. */
export interface Join extends Pick<JoinLine, 'at' | 'seq' | 'place'> {
  readonly run: Run
  readonly rules: Rules
  readonly tokens: number[]
  text: string
}

/** Whether a token can be one of many: what is not whole would not come back as it was from a sum of differences. */
export const isJoinable = ({ token, at }: EventOf<'token'>): boolean => Number.isSafeInteger(at) && token.length <= 1_024

/** A line with a piece of what a run says. */
export interface Piece extends Pick<Join, 'run' | 'rules'> {
  readonly index: number
}

/** A segment that is being written. What is read of it is for who seals it (draft-seal.ts). */
export class Draft {
  readonly name: string
  readonly lines: string[] = []
  readonly joins: Join[] = []
  readonly pieces: Piece[] = []
  readonly #open = new Map<Run, Join>()
  /** The runs that are told of, by their ids: in which segment each is whole. */
  readonly runs: Map<string, string> = new Map()
  readonly roots: Set<string> = new Set()
  #mentioned: Run | undefined
  records: number = 0
  #characters = 0
  from: number = Infinity
  to: number = -Infinity
  level: number = 0

  constructor(name: string) {
    this.name = name
  }

  get isFull(): boolean {
    return this.lines.length + this.joins.length >= LINES || this.#characters >= CHARACTERS
  }

  /** Whether a line of so many characters still belongs here. */
  hasRoom(characters: number): boolean {
    return this.records === 0 || this.#characters + characters < CHARACTERS
  }

  line(line: string, at: number, level: number): void {
    this.lines.push(line)
    this.#count(line.length + 1, at, level)
  }

  token({ run, token, at, seq }: EventOf<'token'>, rules: Rules): void {
    const place = this.records
    let join = this.#open.get(run)
    if (join?.rules !== rules) {
      join = { run, rules, at, seq, place, text: '', tokens: [] }
      this.joins.push(join)
      this.#open.set(run, join)
      this.#characters += 128
    }
    join.text += token
    join.tokens.push(token.length, at - join.at, seq - join.seq, place - join.place)
    // What its numbers add to the line.
    this.#count(token.length + 10, at, 0)
  }

  #count(characters: number, at: number, level: number): void {
    this.records++
    this.#characters += characters
    this.from = Math.min(this.from, at)
    this.to = Math.max(this.to, at)
    this.level = Math.max(this.level, level)
  }

  /** Notes that a run is told of here; `where` is the segment in which it is whole. */
  mention(run: Run, where: string): void {
    if (run === this.#mentioned) return
    this.#mentioned = run
    this.runs.set(run.id, where)
    this.roots.add(run.rootId)
  }
}
