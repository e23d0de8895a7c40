import type { Stage } from '../../core/flow/link.ts'

/**
 * Ends a text before the first complete stop sequence, even if chunks cut the sequence. Text that may be the beginning of a stop sequence
 * is buffered until that is decided.
 */
export function stopSequenceStage(stops: readonly string[]): Stage<string, string> {
  let held = ''
  return {
    transform(text, controller) {
      held += text
      const found = findFirstStop(stops, held)
      const end = found ?? held.length - partialStopLength(held, stops)
      if (end > 0) controller.enqueue(held.slice(0, end))
      held = held.slice(end)
      if (found !== undefined) controller.terminate()
    },
    flush(controller) {
      if (held) controller.enqueue(held)
    },
  }
}

/** Returns the start of the stop sequence that ends first, the one a model would meet first; of two that end together, the longer. */
function findFirstStop(stops: readonly string[], text: string): number | undefined {
  const found = stops.map((stop) => ({ start: text.indexOf(stop), length: stop.length })).filter(({ start }) => start >= 0)
  found.sort((a, b) => a.start + a.length - (b.start + b.length) || b.length - a.length)
  return found[0]?.start
}

/** Returns how many characters at the end of a text may be the beginning of a stop sequence. */
function partialStopLength(text: string, stops: readonly string[]): number {
  const longest = Math.min(text.length, Math.max(...stops.map(({ length }) => length)) - 1)
  for (let length = longest; length > 0; length--) {
    const end = text.slice(-length)
    if (stops.some((stop) => stop.startsWith(end))) return length
  }
  return 0
}
