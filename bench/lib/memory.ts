import type { Hand } from './bare.ts'
import { answering, type Bytes, type Format, wire } from './wire.ts'

/** Bytes in use after a full garbage collection. */
export type LiveBytes = () => number

/** Reads an answer to its end. */
type Read = (fetch: typeof globalThis.fetch, hand: Hand) => Promise<void>

/** Tokens of the block that is sent repeatedly. */
const BLOCK = 10_000

/** Returns the maximum growth of live memory in bytes while this many tokens are streamed, measured ten times. */
export async function growth(read: Read, liveBytes: LiveBytes, tokens: number, format: Format = 'anthropic'): Promise<number> {
  await peak(read, liveBytes, tokens / 10, format)
  const before = liveBytes()
  return Math.max(0, (await peak(read, liveBytes, tokens, format)) - before)
}

async function peak(read: Read, liveBytes: LiveBytes, tokens: number, format: Format): Promise<number> {
  const { opening, deltas, ending } = wire(BLOCK, '16 KiB', format)
  function* chunks(): Generator<Bytes, undefined> {
    yield* opening
    for (let sent = 0; sent < tokens; sent += BLOCK) yield* deltas
    yield* ending
  }
  const fetch = answering(() => {
    const sending = chunks()
    return () => sending.next().value
  })
  let [seen, most] = [0, 0]
  await read(fetch, (text) => {
    // Some libraries also deliver chunks without text.
    if (text !== '' && ++seen % (tokens / 10) === 0) most = Math.max(most, liveBytes())
  })
  if (seen < tokens) throw new Error(`Received ${seen} of ${tokens} tokens.`)
  return most
}
