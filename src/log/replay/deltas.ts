import type { Delta } from '../../core/delta.ts'
import type { EventOf } from '../../core/event.ts'
import type { AssistantMessage, Part } from '../../core/message.ts'
import { omitUndefined } from '../../core/util/omit-undefined.ts'

/** Converts a complete answer to Deltas from which `messageFold` rebuilds it. */
export function outputToDeltas({ output, usage }: EventOf<'end'>): readonly Delta[] {
  if (typeof output === 'string') return [{ type: 'text', text: output }, ...(usage ? [{ type: 'usage', usage } as const] : [])]
  const {
    content = '',
    toolCalls = [],
    usage: own = usage,
    id,
    model,
    extra,
    stopReason,
    stopDetails,
  } = Object(output) as Partial<AssistantMessage>
  const parts: readonly Part[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content
  return [
    ...(id !== undefined || model !== undefined || extra ? [{ type: 'meta', ...omitUndefined({ id, model, extra }) } as const] : []),
    ...parts.flatMap((part, i) => (i === 0 ? partToDeltas(part) : [{ type: 'break' } as const, ...partToDeltas(part)])),
    ...toolCalls.map(
      ({ id, name, args, isInvalid }, index) =>
        ({ type: 'tool-call', index, id, name, args: isInvalid ? String(args) : JSON.stringify(args ?? {}) }) as const,
    ),
    ...(own ? [{ type: 'usage', usage: own } as const] : []),
    ...(stopReason === undefined ? [] : [{ type: 'stop', reason: stopReason, ...(stopDetails && { details: stopDetails }) } as const]),
  ]
}

function partToDeltas(part: Part): readonly Delta[] {
  if (part.type === 'reasoning' || part.type === 'block') return [part]
  if (part.type === 'image') return []
  return [{ type: 'text', text: part.text }, ...(part.citations ?? []).map((citation) => ({ type: 'citation', citation }) as const)]
}
