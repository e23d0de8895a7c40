import type { Library } from './library.ts'
import { answering, type Format, whole, wire } from './wire.ts'

/** Longer than the slowest engine needs to pull everything, in ms. */
const STALL_MS = 1_000

/** Returns the wire chunks pulled for a reader that reads one token and then nothing, without the chunk of that token. */
export async function readAhead(library: Library, format: Format, stallMs: number = STALL_MS): Promise<{ pulled: number; isAll: boolean }> {
  const source = wire(20_000, '1/chunk', format)
  const chunks = whole(source)
  let pulled = 0
  const answer = await library(answering(() => () => chunks[pulled++])).stream({})
  for await (const chunk of answer.chunks) {
    if (answer.textOf(chunk) === '') continue
    await new Promise((resolve) => setTimeout(resolve, stallMs))
    // One more pull finds the end.
    return { pulled: pulled - source.opening.length - 1, isAll: pulled > chunks.length }
  }
  throw new Error('The answer has no text.')
}
