import { type Fold, textFold } from '../core/flow/fold.ts'
import { snapshot } from '../core/util/snapshot.ts'

/** What the codec puts behind a text that it has cut. */
const truncatedTextPattern = /… \[\d+ more characters\]$/

/** The output of a run elsewhere: what its end tells. Until then the text that came, as a message where it came as Deltas, else the last chunk. */
export function remoteOutputFold(): Fold & { end(output: unknown, isWhole: boolean): void } {
  const texts = textFold()
  let kind: 'none' | 'text' | 'message' | 'other' = 'none'
  let last: unknown
  let said: { readonly output: unknown } | undefined
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
      // A long text comes cut in the event, and whole in the chunks.
      if (!isWhole || kind !== 'text' || typeof output !== 'string' || !truncatedTextPattern.test(output))
        said = { output: snapshot(output) }
    },
    result() {
      if (said) return said.output
      if (kind === 'other' || kind === 'none') return last
      return kind === 'text' ? texts.result() : { role: 'assistant', content: texts.result() }
    },
  }
}
