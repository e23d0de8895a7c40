import type { Run } from '../../core/event.ts'
import type { Rules } from '../redact.ts'
import type { PartialLine, SegmentBuffer, TokenRun } from './buffer.ts'
import type { Segment, TokenRunLine } from './segment.ts'

/** Output of a run that is kept, in characters, to find a secret that began in it: JSON Web Tokens have a few hundred. */
const REDACTION_CONTEXT_CHARACTERS = 2_048

/** Encodes buffers into segments, in their order, and masks secrets that a run emitted in several tokens or deltas. */
export class SegmentEncoder {
  /** By run, and by channel (tokens, or one kind of delta): its latest output. */
  readonly #recentText = new WeakMap<Run, Map<string, string>>()

  encode({ name, lines, partialLines, tokenRuns, records, from, to, level, runs, roots }: SegmentBuffer): Segment {
    for (const partial of partialLines) lines[partial.index] = this.#maskPartialLine(lines[partial.index] ?? '', partial)
    const body = [...lines, ...tokenRuns.map((tokenRun) => this.#encodeTokenRun(tokenRun))].join('\n')
    const elsewhere = [...runs].filter(([, where]) => where !== name)
    return {
      head: { name, records, bytes: estimateBodyBytes(body), from, to, level, runs: [...runs.keys()], roots: [...roots], elsewhere },
      body,
    }
  }

  #encodeTokenRun({ run, rules, text, tokens, at, seq, place }: TokenRun): string {
    return JSON.stringify({ tokens, run: run.id, at, seq, place, text: this.#maskText(run, 'token', text, rules) } satisfies TokenRunLine)
  }

  /** Masks the text or arguments in the line of a `delta`. */
  #maskPartialLine(line: string, { run, rules }: PartialLine): string {
    const event = JSON.parse(line) as { readonly delta: Record<string, unknown> }
    const { type, index, text, args } = event.delta
    const field = type === 'tool-call' ? 'args' : 'text'
    const piece = field === 'args' ? args : text
    if (typeof piece !== 'string') return line
    const masked = this.#maskText(run, `${String(type)} ${String(index)}`, piece, rules)
    if (masked === piece) return line
    event.delta[field] = masked
    return JSON.stringify(event)
  }

  #maskText(run: Run, channel: string, piece: string, { mask }: Rules): string {
    const recent = this.#recentText.get(run) ?? new Map<string, string>()
    this.#recentText.set(run, recent)
    const before = recent.get(channel) ?? ''
    const whole = before + piece
    recent.set(channel, whole.slice(-REDACTION_CONTEXT_CHARACTERS))
    return mask(whole).slice(before.length)
  }
}

/** Engines store one byte per character if every character is Latin-1, otherwise two. */
const estimateBodyBytes = (body: string): number => (/[^\0-\xff]/.test(body) ? body.length * 2 : body.length)
