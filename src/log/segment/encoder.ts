import type { Run } from '../../core/event.ts'
import type { Rules } from '../redact.ts'
import type { PartialLine, SegmentBuffer, TokenRun } from './buffer.ts'
import type { Segment, TokenRunLine } from './segment.ts'

/** How much of what a run has said is remembered, to find a secret that began there: JSON Web Tokens have some hundred characters. */
const REDACTION_CONTEXT_CHARACTERS = 2_048

/** Makes segments of drafts, one after the other, and covers secrets that were said piece by piece. */
export class SegmentEncoder {
  /** What runs have said before: of each what it says side by side. */
  readonly #recentText = new WeakMap<Run, Map<string, string>>()

  encode({ name, lines, partialLines, tokenRuns, records, from, to, level, runs, roots }: SegmentBuffer): Segment {
    for (const piece of partialLines) lines[piece.index] = this.#maskPartialLine(lines[piece.index] ?? '', piece)
    const body = [...lines, ...tokenRuns.map((join) => this.#encodeTokenRun(join))].join('\n')
    const elsewhere = [...runs].filter(([, where]) => where !== name)
    return {
      head: { name, records, bytes: estimateBodyBytes(body), from, to, level, runs: [...runs.keys()], roots: [...roots], elsewhere },
      body,
    }
  }

  #encodeTokenRun({ run, rules, text, tokens, at, seq, place }: TokenRun): string {
    return JSON.stringify({ tokens, run: run.id, at, seq, place, text: this.#maskText(run, 'token', text, rules) } satisfies TokenRunLine)
  }

  /** A line of a `delta`. */
  #maskPartialLine(line: string, { run, rules }: PartialLine): string {
    const event = JSON.parse(line) as { readonly delta: Record<string, unknown> }
    const { type, index, text, args } = event.delta
    const field = type === 'tool-call' ? 'args' : 'text'
    const piece = field === 'args' ? args : text
    if (typeof piece !== 'string') return line
    const covered = this.#maskText(run, `${String(type)} ${String(index)}`, piece, rules)
    if (covered === piece) return line
    event.delta[field] = covered
    return JSON.stringify(event)
  }

  #maskText(run: Run, what: string, piece: string, { mask }: Rules): string {
    const said = this.#recentText.get(run) ?? new Map<string, string>()
    this.#recentText.set(run, said)
    const before = said.get(what) ?? ''
    const whole = before + piece
    said.set(what, whole.slice(-REDACTION_CONTEXT_CHARACTERS))
    return mask(whole).slice(before.length)
  }
}

/** As an engine keeps it. */
const estimateBodyBytes = (body: string): number => (/[^\0-\xff]/.test(body) ? body.length * 2 : body.length)
