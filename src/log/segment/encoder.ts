import type { Run } from '../../core/event.ts'
import type { Rules } from '../redact.ts'
import type { Draft, Join, Piece } from './buffer.ts'
import type { JoinLine, Segment } from './segment.ts'

/** How much of what a run has said is remembered, to find a secret that began there: JSON Web Tokens have some hundred characters. */
const BEFORE = 2_048

/** Makes segments of drafts, one after the other, and covers secrets that were said piece by piece. */
export class Sealer {
  /** What runs have said before: of each what it says side by side. */
  readonly #before = new WeakMap<Run, Map<string, string>>()

  seal({ name, lines, pieces, joins, records, from, to, level, runs, roots }: Draft): Segment {
    for (const piece of pieces) lines[piece.index] = this.#covered(lines[piece.index] ?? '', piece)
    const body = [...lines, ...joins.map((join) => this.#line(join))].join('\n')
    const elsewhere = [...runs].filter(([, where]) => where !== name)
    return { head: { name, records, bytes: bytesOf(body), from, to, level, runs: [...runs.keys()], roots: [...roots], elsewhere }, body }
  }

  #line({ run, rules, text, tokens, at, seq, place }: Join): string {
    return JSON.stringify({ tokens, run: run.id, at, seq, place, text: this.#cover(run, 'token', text, rules) } satisfies JoinLine)
  }

  /** A line of a `delta`. */
  #covered(line: string, { run, rules }: Piece): string {
    const event = JSON.parse(line) as { readonly delta: Record<string, unknown> }
    const { type, index, text, args } = event.delta
    const field = type === 'tool-call' ? 'args' : 'text'
    const piece = field === 'args' ? args : text
    if (typeof piece !== 'string') return line
    const covered = this.#cover(run, `${String(type)} ${String(index)}`, piece, rules)
    if (covered === piece) return line
    event.delta[field] = covered
    return JSON.stringify(event)
  }

  #cover(run: Run, what: string, piece: string, { cover }: Rules): string {
    const said = this.#before.get(run) ?? new Map<string, string>()
    this.#before.set(run, said)
    const before = said.get(what) ?? ''
    const whole = before + piece
    said.set(what, whole.slice(-BEFORE))
    return cover(whole).slice(before.length)
  }
}

/** As an engine keeps it. */
const bytesOf = (body: string): number => (/[^\0-\xff]/.test(body) ? body.length * 2 : body.length)
