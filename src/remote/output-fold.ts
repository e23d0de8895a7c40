import { type Fold, textFold } from '../core/flow/fold.ts'
import { snapshot } from '../core/util/snapshot.ts'

/** The suffix that the codec appends to a truncated text. */
const truncatedTextPattern = /… \[\d+ more characters\]$/

/**
 * Accumulates the output of a remote run. Its result is the output of the remote `end` event. Before that event, it is the text of the
 * chunks, as a message if they were Deltas, or else the last chunk.
 */
export function remoteOutputFold(): Fold & { end(output: unknown, isWhole: boolean): void } {
  const texts = textFold()
  let kind: 'none' | 'text' | 'message' | 'other' = 'none'
  let last: unknown
  let reported: { readonly output: unknown } | undefined
  return {
    add(chunk) {
      const { type, text } = Object(chunk) as { type?: unknown; text?: unknown }
      if (typeof chunk === 'string') {
        kind = 'text'
        texts.add(chunk)
      } else if (type === 'text' && typeof text === 'string') {
        kind = 'message'
        texts.add(text)
      } else if (kind !== 'message') {
        kind = 'other'
        last = chunk
      }
    },
    end(output, isWhole) {
      // The event truncates a long text, which the chunks contain whole.
      if (!isWhole || kind !== 'text' || typeof output !== 'string' || !truncatedTextPattern.test(output))
        reported = { output: snapshot(output) }
    },
    result() {
      if (reported) return reported.output
      if (kind === 'other' || kind === 'none') return last
      return kind === 'text' ? texts.result() : { role: 'assistant', content: texts.result() }
    },
  }
}
