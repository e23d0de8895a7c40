import type { EventOf, Run } from '../../core/event.ts'
import type { Rules } from '../redact.ts'
import type { TokenRunLine } from './segment.ts'

const MAX_SEGMENT_LINES = 500
/** Engines store a character in one or two bytes: at most 256 KB, unless a single record is longer. */
const MAX_SEGMENT_CHARACTERS = 131_072

/** The tokens of one run, merged into one line. A token takes about 8 bytes beside its text; as an event of its own about 100. */
export interface TokenRun extends Pick<TokenRunLine, 'at' | 'seq' | 'place'> {
  readonly run: Run
  readonly rules: Rules
  readonly tokens: number[]
  text: string
}

/** Whether a token can be merged: a time that is not an integer would not survive being stored as a difference. */
export const isMergeableToken = ({ token, at }: EventOf<'token'>): boolean => Number.isSafeInteger(at) && token.length <= 1_024

/** A `delta` line, which may contain part of a secret. */
export interface PartialLine extends Pick<TokenRun, 'run' | 'rules'> {
  readonly index: number
}

/** A segment that is being written. SegmentEncoder reads its public fields. */
export class SegmentBuffer {
  readonly name: string
  readonly lines: string[] = []
  readonly tokenRuns: TokenRun[] = []
  readonly partialLines: PartialLine[] = []
  readonly #openTokenRuns = new Map<Run, TokenRun>()
  /** By run id: the name of the segment with its Run object. */
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

  /** Whether a line of `characters` fits. */
  hasRoom(characters: number): boolean {
    return this.records === 0 || this.#characters + characters < MAX_SEGMENT_CHARACTERS
  }

  addLine(line: string, at: number, level: number): void {
    this.lines.push(line)
    this.#count(line.length + 1, at, level)
  }

  addToken({ run, token, at, seq }: EventOf<'token'>, rules: Rules): void {
    const place = this.records
    let tokenRun = this.#openTokenRuns.get(run)
    if (tokenRun?.rules !== rules) {
      tokenRun = { run, rules, at, seq, place, text: '', tokens: [] }
      this.tokenRuns.push(tokenRun)
      this.#openTokenRuns.set(run, tokenRun)
      this.#characters += 128
    }
    tokenRun.text += token
    tokenRun.tokens.push(token.length, at - tokenRun.at, seq - tokenRun.seq, place - tokenRun.place)
    // 10: its numbers in the line.
    this.#count(token.length + 10, at, 0)
  }

  #count(characters: number, at: number, level: number): void {
    this.records++
    this.#characters += characters
    this.from = Math.min(this.from, at)
    this.to = Math.max(this.to, at)
    this.level = Math.max(this.level, level)
  }

  /** Registers a run whose event is in this segment; `where` is the name of the segment with its Run object. */
  addRun(run: Run, where: string): void {
    if (run === this.#lastRun) return
    this.#lastRun = run
    this.runs.set(run.id, where)
    this.roots.add(run.rootId)
  }
}
