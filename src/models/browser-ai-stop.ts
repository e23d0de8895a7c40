import type { Stage } from '../core/link.ts'

/** Ends a text before any of these, wherever its pieces are cut. What may be the beginning of one is held back until it is known. */
export function stopBefore(stops: readonly string[]): Stage<string, string> {
  let held = ''
  return {
    transform(text, controller) {
      held += text
      const found = stops.map((stop) => held.indexOf(stop)).filter((at) => at >= 0)
      const end = found.length > 0 ? Math.min(...found) : held.length - beginning(held, stops)
      if (end > 0) controller.enqueue(held.slice(0, end))
      held = held.slice(end)
      if (found.length > 0) controller.terminate()
    },
    flush(controller) {
      if (held) controller.enqueue(held)
    },
  }
}

/** How many characters at the end of a text begin one of these. */
function beginning(text: string, stops: readonly string[]): number {
  const longest = Math.min(text.length, Math.max(...stops.map(({ length }) => length)) - 1)
  for (let length = longest; length > 0; length--) {
    const end = text.slice(-length)
    if (stops.some((stop) => stop.startsWith(end))) return length
  }
  return 0
}
