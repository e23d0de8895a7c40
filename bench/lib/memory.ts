import type { Figure } from './measure.ts'
import { chainOver, readChain } from './ours.ts'
import { answering, type Bytes, wire } from './wire.ts'

/** Bytes in use after a full garbage collection. */
export type LiveBytes = () => number

/** Tokens of the block that is sent again and again. */
const BLOCK = 10_000

/** How far the live memory grows, at most, while so many tokens stream by. It is looked at ten times. */
export async function growth(liveBytes: LiveBytes, tokens: number): Promise<Figure> {
  await peak(liveBytes, tokens / 10)
  const before = liveBytes()
  const grown = (await peak(liveBytes, tokens)) - before
  return { what: `live memory over ${tokens} tokens`, value: Math.max(0, grown / 1_048_576), unit: 'MB', budget: 1 }
}

async function peak(liveBytes: LiveBytes, tokens: number): Promise<number> {
  const { opening, deltas, ending } = wire(BLOCK, '16 KiB')
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
  await readChain(chainOver(fetch), () => {
    if (++seen % (tokens / 10) === 0) most = Math.max(most, liveBytes())
  })
  return most
}
