import type { EventOf, Run } from '../../core/event.ts'
import type { Rules } from '../redact.ts'
import type { TokenRunLine } from './segment.ts'

const MAX_SEGMENT_LINES = 500
/** An engine keeps a text with one byte for each character or with two: 256 KB at most, unless a single record is longer. */
const MAX_SEGMENT_CHARACTERS = 131_072

/** Tokens of one run as one line. A token costs some 8 bytes in it beside its text; as an event of its own it is a hundred. */
export interface TokenRun extends Pick<TokenRunLine, 'at' | 'seq' | 'place'> {
  readonly run: Run
  readonly rules: Rules
  readonly tokens: number[]
  text: string
}

/** Whether a token can be one of many: what is not whole would not come back as it was from a sum of differences. */
export const isMergeableToken = ({ token, at }: EventOf<'token'>): boolean => Number.isSafeInteger(at) && token.length <= 1_024

/** A line with a piece of what a run says. */
export interface PartialLine extends Pick<TokenRun, 'run' | 'rules'> {
  readonly index: number
}

/** A segment that is being written. What is read of it is for who seals it (draft-seal.ts). */
export class SegmentBuffer {
  readonly name: string
  readonly lines: string[] = []
  readonly tokenRuns: TokenRun[] = []
  readonly partialLines: PartialLine[] = []
  readonly #openTokenRuns = new Map<Run, TokenRun>()
  /** The runs that are told of, by their ids: in which segment each is whole. */
  readonly runs: Map<string, string> = new Map()
  readonly roots: Set<string> = new Set()
  #lastRun: Run | undefined
  records: number = 0
  #characters = 0
  from: number = Infinity
  to: number = -Infinity
  level: number = 0

  constructor(name: string) {
    this.name = name
  }

  get isFull(): boolean {
    return this.lines.length + this.tokenRuns.length >= MAX_SEGMENT_LINES || this.#characters >= MAX_SEGMENT_CHARACTERS
  }

  /** Whether a line of so many characters still belongs here. */
  hasRoom(characters: number): boolean {
    return this.records === 0 || this.#characters + characters < MAX_SEGMENT_CHARACTERS
  }

  addLine(line: string, at: number, level: number): void {
    this.lines.push(line)
    this.#count(line.length + 1, at, level)
  }

  addToken({ run, token, at, seq }: EventOf<'token'>, rules: Rules): void {
    const place = this.records
    let join = this.#openTokenRuns.get(run)
    if (join?.rules !== rules) {
      join = { run, rules, at, seq, place, text: '', tokens: [] }
      this.tokenRuns.push(join)
      this.#openTokenRuns.set(run, join)
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
  addRun(run: Run, where: string): void {
    if (run === this.#lastRun) return
    this.#lastRun = run
    this.runs.set(run.id, where)
    this.roots.add(run.rootId)
  }
}
