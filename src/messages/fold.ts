import type { Delta } from '../core/delta.ts'
import { type Fold, text } from '../core/fold.ts'
import type { AssistantMessage, Part, ToolCall } from '../core/message.ts'
import { parseJson } from '../core/parse-json.ts'
import { mergeUsage } from '../core/usage.ts'

/**
 * Makes an assistant message of what a model said. The result is there at any time, whole or partial, and never throws.
 *
 * - `content`: a string where there is text alone; with reasoning the parts in their order. A signature ends its reasoning, and a
 *   redacted one stands for itself, for Anthropic wants each block back as it was.
 * - `toolCalls`: by `index`; no arguments at all are `{}`, arguments that do not parse are their raw text.
 * - `usage`: the last known figure of each field (P8). `stopReason`: the last. `id` and `model`: the last that is not empty.
 *
 * Takes time in proportion to what was said, however it was cut.
 *
 * @example
 * const fold = messageFold()
 * fold.add({ type: 'text', text: 'Hel' })
 * fold.add({ type: 'text', text: 'lo' })
 * fold.result() // { role: 'assistant', content: 'Hello' }
 */
export function messageFold(): Fold<Delta, AssistantMessage> {
  const pieces: Piece[] = []
  // Nearly every delta is text that goes on.
  let spoken: Fold<string, string> | undefined
  const calls = new Map<number, Call>()
  const facts: { -readonly [K in 'stopReason' | 'usage' | 'id' | 'model']?: AssistantMessage[K] } = {}
  return {
    add(delta) {
      switch (delta.type) {
        case 'text':
          if (!delta.text) break
          spoken ??= open(pieces, 'text').text
          spoken.add(delta.text)
          break
        case 'reasoning':
          spoken = undefined
          addReasoning(pieces, delta)
          break
        case 'tool-call':
          addCall(calls, delta)
          break
        case 'usage':
          facts.usage = mergeUsage(facts.usage, delta.usage)
          break
        case 'stop':
          facts.stopReason = delta.reason
          break
        case 'meta':
          if (delta.id) facts.id = delta.id
          if (delta.model) facts.model = delta.model
      }
    },
    result: () => ({
      role: 'assistant',
      content: contentOf(pieces),
      ...(calls.size > 0 && { toolCalls: Array.from(calls.values(), toolCall) }),
      ...facts,
    }),
  }
}

/** A part of the content while it grows. */
interface Piece {
  readonly type: 'text' | 'reasoning'
  readonly text: Fold<string, string>
  /** What ends a reasoning: nothing is added after it. */
  seal?: { readonly signature: string } | { readonly redacted: string }
}

interface Call {
  id: string
  name: string
  readonly args: Fold<string, string>
}

type DeltaOf<Type extends Delta['type']> = Extract<Delta, { readonly type: Type }>

/** The piece that text of this type belongs to: the last one, or a new one. */
function open(pieces: Piece[], type: Piece['type']): Piece {
  const last = pieces.at(-1)
  if (last?.type === type && !last.seal) return last
  const piece: Piece = { type, text: text() }
  pieces.push(piece)
  return piece
}

function addReasoning(pieces: Piece[], { text: said, signature, redacted }: DeltaOf<'reasoning'>): void {
  if (redacted) pieces.push({ type: 'reasoning', text: text(), seal: { redacted } })
  if (!said && !signature) return
  const piece = open(pieces, 'reasoning')
  piece.text.add(said)
  if (signature) piece.seal = { signature }
}

function addCall(calls: Map<number, Call>, { index, id, name, args = '' }: DeltaOf<'tool-call'>): void {
  const call: Call = calls.get(index) ?? { id: '', name: '', args: text() }
  calls.set(index, call)
  call.id = id || call.id
  call.name = name || call.name
  call.args.add(args)
}

function contentOf(pieces: readonly Piece[]): string | readonly Part[] {
  // Pieces of a kind are merged, so text alone is one piece.
  if (pieces.every(({ type }) => type === 'text')) return pieces[0]?.text.result() ?? ''
  return pieces.map(({ type, text, seal }): Part => ({ type, text: text.result(), ...seal }))
}

function toolCall({ id, name, args }: Call): ToolCall {
  const json = args.result()
  return { id, name, args: parseJson(json || '{}') ?? json }
}
