import type { EventOf, Run } from '../core/event.ts'
import type { Rules } from './redact.ts'
import type { JoinLine, Segment } from './segment.ts'

const LINES = 500
/** An engine keeps a text with one byte for each character or with two: 256 KB at most, unless a single record is longer. */
const CHARACTERS = 131_072
/** How much of what a run has said is remembered, to find a secret that began there. */
const BEFORE = 128

/** What runs have said before. */
export type Said = WeakMap<Run, string>

/** Tokens of one run as one line. A token costs some 8 bytes in it beside its text; as an event of its own it is a hundred. */
interface Join extends Pick<JoinLine, 'at' | 'seq' | 'place'> {
  readonly run: Run
  readonly rules: Rules
  readonly tokens: number[]
  text: string
}

/** Whether a token can be one of many: what is not whole would not come back as it was from a sum of differences. */
export const isJoinable = ({ token, at }: EventOf<'token'>): boolean => Number.isSafeInteger(at) && token.length <= 1_024

/** A segment that is being written. */
export class Draft {
  readonly name: string
  readonly #lines: string[] = []
  readonly #joins: Join[] = []
  readonly #open = new Map<Run, Join>()
  /** The runs that are told of, by their ids: in which segment each is whole. */
  readonly #runs = new Map<string, string>()
  readonly #roots = new Set<string>()
  #mentioned: Run | undefined
  #records = 0
  #characters = 0
  #from = Infinity
  #to = -Infinity
  #level = 0

  constructor(name: string) {
    this.name = name
  }

  get isFull(): boolean {
    return this.#lines.length + this.#joins.length >= LINES || this.#characters >= CHARACTERS
  }

  /** Whether a line of so many characters still belongs here. */
  hasRoom(characters: number): boolean {
    return this.#records === 0 || this.#characters + characters < CHARACTERS
  }

  line(line: string, at: number, level: number): void {
    this.#lines.push(line)
    this.#count(line.length + 1, at, level)
  }

  token({ run, token, at, seq }: EventOf<'token'>, rules: Rules): void {
    const place = this.#records
    let join = this.#open.get(run)
    if (join?.rules !== rules) {
      join = { run, rules, at, seq, place, text: '', tokens: [] }
      this.#joins.push(join)
      this.#open.set(run, join)
      this.#characters += 128
    }
    join.text += token
    join.tokens.push(token.length, at - join.at, seq - join.seq, place - join.place)
    // What its numbers add to the line.
    this.#count(token.length + 10, at, 0)
  }

  #count(characters: number, at: number, level: number): void {
    this.#records++
    this.#characters += characters
    this.#from = Math.min(this.#from, at)
    this.#to = Math.max(this.#to, at)
    this.#level = Math.max(this.#level, level)
  }

  /** Notes that a run is told of here; `where` is the segment in which it is whole. */
  mention(run: Run, where: string): void {
    if (run === this.#mentioned) return
    this.#mentioned = run
    this.#runs.set(run.id, where)
    this.#roots.add(run.rootId)
  }

  /** What it has become. `said` is brought up to date. */
  seal(said: Said): Segment {
    const body = [...this.#lines, ...this.#joins.map((join) => lineOf(join, said))].join('\n')
    const head = {
      name: this.name,
      records: this.#records,
      bytes: bytesOf(body),
      from: this.#from,
      to: this.#to,
      level: this.#level,
      runs: [...this.#runs.keys()],
      roots: [...this.#roots],
      elsewhere: [...this.#runs].filter(([, where]) => where !== this.name),
    }
    return { head, body }
  }
}

/** As an engine keeps it. */
export const bytesOf = (body: string): number => (/[^\0-\xff]/.test(body) ? body.length * 2 : body.length)

function lineOf({ run, rules, text, tokens, at, seq, place }: Join, said: Said): string {
  const before = said.get(run) ?? ''
  said.set(run, (before + text).slice(-BEFORE))
  return JSON.stringify({ tokens, run: run.id, at, seq, place, text: rules.cover(text, before) } satisfies JoinLine)
}
