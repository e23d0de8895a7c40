import type { Stage } from '../../core/flow/link.ts'

/**
 * Ends a text before the first of these that is complete, wherever its pieces are cut. What may be the beginning of one is held back until
 * it is known.
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

/** Where the one begins that ends first, as a model that speaks token by token would meet it; of two that end together, the longer one. */
function findFirstStop(stops: readonly string[], text: string): number | undefined {
  const found = stops.map((stop) => ({ start: text.indexOf(stop), length: stop.length })).filter(({ start }) => start >= 0)
  found.sort((a, b) => a.start + a.length - (b.start + b.length) || b.length - a.length)
  return found[0]?.start
}

/** How many characters at the end of a text begin one of these. */
function partialStopLength(text: string, stops: readonly string[]): number {
  const longest = Math.min(text.length, Math.max(...stops.map(({ length }) => length)) - 1)
  for (let length = longest; length > 0; length--) {
    const end = text.slice(-length)
    if (stops.some((stop) => stop.startsWith(end))) return length
  }
  return 0
}
