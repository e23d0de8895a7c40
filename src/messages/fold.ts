import type { Delta } from '../core/delta.ts'
import { type Fold, textFold } from '../core/flow/fold.ts'
import type { AssistantMessage, Citation, Part, ToolCall } from '../core/message.ts'
import { mergeUsage } from '../core/usage.ts'
import { isCutReason, parseArguments } from './arguments.ts'

/**
 * Folds a model's Deltas into an assistant message. `result()` can be called at any time, for a partial message too, and never throws.
 *
 * - `content`: a string if there is only text; otherwise the parts in their order (text, reasoning, citations, provider blocks). A
 *   signature ends its reasoning part, and redacted reasoning is a part of its own, because Anthropic requires each block back unchanged.
 * - `toolCalls`: merged by `index`. Arguments that are missing, blank or `null` are `{}`. Arguments that are not valid JSON are their raw text,
 *   marked with `isInvalid`; so is a last call without arguments in a response that was cut at its token limit or by a filter.
 * - `usage`: the last reported figure of each field (P8). Other fields: the last value, for `id` and `model` the last non-empty one.
 *
 * Takes time linear in the length of the text, however it is split.
 *
 * @example
 * const fold = messageFold()
 * fold.add({ type: 'text', text: 'Hel' })
 * fold.add({ type: 'text', text: 'lo' })
 * fold.result() // { role: 'assistant', content: 'Hello' }
 */
// Long because each type of Delta is a case of one switch: a nested fold would add 34 bytes to the bundle.
export function messageFold(): Fold<Delta, AssistantMessage> {
  const items: (GrowingPart | Part)[] = []
  /** The part that the next delta may extend, if any. */
  let last: GrowingPart | undefined
  const calls = new Map<number, GrowingToolCall>()
  let metadata: MessageMetadata = {}
  /** What `metadata` consists of, unless a result holds it too. */
  let owned = new WeakSet<object>()
  const openPart = (type: GrowingPart['type']): GrowingPart => {
    if (last?.type === type) return last
    last = { type, textSoFar: textFold() }
    items.push(last)
    return last
  }
  return {
    add(delta) {
      switch (delta.type) {
        case 'text':
          if (delta.text) openPart('text').textSoFar.add(delta.text)
          break
        case 'reasoning': {
          const { text, signature, redacted } = delta
          const marker = redacted ? { redacted } : signature && { signature }
          if (redacted) last = undefined
          if (text || marker) Object.assign(openPart('reasoning'), marker).textSoFar.add(text)
          if (marker) last = undefined
          break
        }
        case 'citation':
          ;(openPart('text').citations ??= []).push(delta.citation)
          break
        case 'block':
          items.push(delta)
          last = undefined
          break
        case 'break':
          last = undefined
          break
        case 'tool-call':
          addToolCallDelta(calls, delta)
          break
        default:
          metadata = mergeUsage(metadata, deltaMetadata(delta, metadata), owned)
      }
    },
    result() {
      owned = new WeakSet()
      return {
        role: 'assistant',
        content: foldedContent(items.map(finishPart)),
        ...(calls.size > 0 && { toolCalls: finishToolCalls([...calls.values()], metadata) }),
        ...metadata,
      }
    },
  }
}

/** A content part that is still being received. */
interface GrowingPart {
  readonly type: 'text' | 'reasoning'
  readonly textSoFar: Fold<string, string>
  readonly signature?: string
  readonly redacted?: string
  citations?: Citation[]
}

interface GrowingToolCall {
  id: string
  name: string
  extra: ToolCall['extra']
  readonly args: Fold<string, string>
}

type MessageMetadata = Omit<AssistantMessage, 'role' | 'content' | 'toolCalls'>

type DeltaOf<Type extends Delta['type']> = Extract<Delta, { readonly type: Type }>

function deltaMetadata(
  delta: DeltaOf<'usage' | 'stop' | 'meta'>,
  { usage }: MessageMetadata,
): { readonly [K in keyof MessageMetadata]: MessageMetadata[K] | undefined } {
  if (delta.type === 'usage') return { usage: usage ? delta.usage : mergeUsage(usage, delta.usage) }
  if (delta.type === 'stop') return { stopReason: delta.reason, stopDetails: delta.details }
  return { id: delta.id || undefined, model: delta.model || undefined, extra: delta.extra }
}

function addToolCallDelta(calls: Map<number, GrowingToolCall>, { index, id, name, args = '', extra }: DeltaOf<'tool-call'>): void {
  const call: GrowingToolCall = calls.get(index) ?? { id: '', name: '', extra: undefined, args: textFold() }
  calls.set(index, call)
  call.id = id || call.id
  call.name = name || call.name
  call.args.add(args)
  if (extra) call.extra = { ...call.extra, ...extra }
}

/** Returns a string if every part is text without citations, otherwise the parts. */
function foldedContent(parts: readonly Part[]): string | readonly Part[] {
  let text = ''
  for (const part of parts) {
    if (part.type !== 'text' || part.citations) return parts
    text += part.text
  }
  return text
}

function finishPart(item: GrowingPart | Part): Part {
  if (!('textSoFar' in item)) return item
  const { textSoFar, citations, ...rest } = item
  return { ...rest, ...(citations && { citations: [...citations] }), text: textSoFar.result() }
}

function finishToolCalls(calls: readonly GrowingToolCall[], { stopReason }: MessageMetadata): readonly ToolCall[] {
  return calls.map(({ id, name, args, extra }, index) => {
    const text = args.result()
    const isCut = text === '' && index === calls.length - 1 && isCutReason(stopReason)
    return { id, name, ...(isCut ? { args: text, isInvalid: true } : parseArguments(text)), ...(extra && { extra }) }
  })
}
