import type { Hand } from './bare.ts'
import type { Variant } from './measure.ts'
import { type Bytes, respond, type Wire } from './wire.ts'

/** Starts to read a response of `fetch`. */
type Start = (fetch: typeof globalThis.fetch, hand: Hand) => Promise<void>

interface Held {
  readonly first: Promise<void>
  readonly isRequested: () => boolean
  respond(): void
  finish(): Promise<void>
}

/** Concurrent calls: enough for a coarse clock, too few to be slowed by the garbage collector. */
const WAITING = 256

/** Measures the time from a response whose first token's bytes have arrived to the reader. */
export function firstToken(name: string, wire: Wire, start: Start): Variant {
  return {
    name,
    async sample(times) {
      let ms = 0
      for (let left = times; left > 0; left -= WAITING) ms += await answered(name, Math.min(left, WAITING), () => hold(wire, start))
      return ms
    },
  }
}

/** Starts calls that wait for their responses. Then resolves each response and awaits its token; only this is timed. */
async function answered(name: string, count: number, call: () => Held): Promise<number> {
  const calls = Array.from({ length: count }, call)
  await new Promise((resolve) => setTimeout(resolve))
  if (!calls.every(({ isRequested }) => isRequested())) throw new Error(`${name} has not sent its request yet.`)
  const began = performance.now()
  for (const { respond, first } of calls) {
    respond()
    await first
  }
  const ms = performance.now() - began
  for (const { finish } of calls) await finish()
  return ms
}

/** A call whose response is delayed, and whose end is delayed after the first token. */
function hold({ opening, deltas, ending }: Wire, start: Start): Held {
  const first = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<Response>()
  const rest = Promise.withResolvers<void>()
  const chunks = [...opening, ...deltas].values()
  const pull = async (controller: ReadableStreamDefaultController<Bytes>): Promise<void> => {
    const { value } = chunks.next()
    if (value) return controller.enqueue(value)
    await rest.promise
    for (const chunk of ending) controller.enqueue(chunk)
    controller.close()
  }
  const response = respond(new ReadableStream<Bytes>({ pull }, { highWaterMark: 0 }))
  let isRequested = false
  const fetch = (): Promise<Response> => {
    isRequested = true
    return answer.promise
  }
  const over = start(fetch, () => first.resolve())
  return {
    first: first.promise,
    isRequested: () => isRequested,
    respond: () => answer.resolve(response),
    finish() {
      rest.resolve()
      return over
    },
  }
}
