import type { Library } from './library.ts'
import { answering, type Format, whole, wire } from './wire.ts'

/** Longer than it takes the slowest engine to pull everything. */
const STALL_MS = 1_000

/** Wire chunks pulled for a reader that has one token and does nothing, past the chunk that the token came in. */
export async function readAhead(library: Library, format: Format, stallMs: number = STALL_MS): Promise<{ pulled: number; isAll: boolean }> {
  const source = wire(20_000, '1/chunk', format)
  const chunks = whole(source)
  let pulled = 0
  const answer = await library(answering(() => () => chunks[pulled++])).stream({})
  for await (const chunk of answer.chunks) {
    if (answer.textOf(chunk) === '') continue
    await new Promise((resolve) => setTimeout(resolve, stallMs))
    // The pull that finds the end is one more.
    return { pulled: pulled - source.opening.length - 1, isAll: pulled > chunks.length }
  }
  throw new Error('no text')
}
