import type { Answer, Library } from './library.ts'
import { type Figure, quantile } from './measure.ts'
import { type Bytes, type Format, respond, wire } from './wire.ts'

/** Who has not been told after so long never is. */
const PATIENCE_MS = 500

/** Tries that do not count: who is left for the first time compiles on the way. */
const WARM_UP = 3

/** Reads of an answer before it is left. */
const READS = 3

/** How one leaves. */
interface Way {
  /** By a signal, and whether the fetch listens to it. */
  readonly aborts?: 'obedient' | 'deaf'
  /** Calls `leaving` at that moment; undefined where the answer cannot be left so. */
  leave(answer: Answer<unknown>, leaving: () => void, abort: () => void): Promise<void> | undefined
}

const ways: Readonly<Record<string, Way>> = {
  break: {
    async leave({ chunks }, leaving) {
      let reads = 0
      for await (const _ of chunks) {
        if (++reads < READS) continue
        leaving()
        break
      }
    },
  },
  'cancel of the stream': { leave: ({ toStream }, leaving) => toStream && cancelled(toStream(), leaving) },
  abort: { leave: readOn, aborts: 'obedient' },
  'abort, deaf fetch': { leave: readOn, aborts: 'deaf' },
  'stop()': { leave: (answer, leaving) => answer.stop && readOn(answer, leaving, () => answer.stop?.()) },
}

export const wayNames: readonly string[] = Object.keys(ways)

async function cancelled(stream: ReadableStream<unknown>, leaving: () => void): Promise<void> {
  const reader = stream.getReader()
  for (let reads = 0; reads < READS; reads++) await reader.read()
  leaving()
  await reader.cancel()
}

/** Reads to whatever end there is after the answer was ended from outside. */
async function readOn({ chunks }: Answer<unknown>, leaving: () => void, end: () => void): Promise<void> {
  let reads = 0
  for await (const _ of chunks) {
    if (++reads !== READS) continue
    leaving()
    end()
  }
}

/** How long after leaving the source is cancelled, in the median; undefined where the library has no such way. */
export async function left(
  library: Library,
  way: string,
  format: Format,
  tries: number,
): Promise<Pick<Figure, 'value' | 'unit' | 'says'> | undefined> {
  const found = ways[way]
  if (!found) throw new Error(`There is no way ${way}`)
  const times: number[] = []
  for (let done = 0; done < WARM_UP + tries; done++) {
    const ms = await leftOnce(library, found, format)
    if (ms === undefined) return undefined
    if (!Number.isFinite(ms)) return { value: PATIENCE_MS, unit: 'ms', says: 'never' }
    times.push(ms)
  }
  return { value: quantile(times.slice(WARM_UP), 0.5), unit: 'ms' }
}

/** Infinity: never. */
async function leftOnce(library: Library, { aborts, leave }: Way, format: Format): Promise<number | undefined> {
  const source = endless(format, aborts === 'deaf')
  const controller = new AbortController()
  try {
    const answer = await library(source.fetch).stream(aborts ? { signal: controller.signal } : {})
    const leaving = Promise.withResolvers<number>()
    const over = leave(
      answer,
      () => leaving.resolve(performance.now()),
      () => controller.abort(),
    )
    // What the reader is told is not the question here.
    void over?.then(() => leaving.reject(new Error('It ended before it was left')), leaving.reject)
    const began = over && (await leaving.promise)
    return began && (await Promise.race([source.cancelled, never()])) - began
  } finally {
    source.end()
  }
}

const never = (): Promise<number> => new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, Number.POSITIVE_INFINITY))

interface Endless {
  readonly fetch: typeof fetch
  /** When it was told. */
  readonly cancelled: Promise<number>
  /** Lets an answer that nobody has cancelled fall silent. */
  end(): void
}

/** An answer without end, a chunk for each turn of the event loop, as a socket gives them. */
function endless(format: Format, isDeaf: boolean): Endless {
  const { opening, deltas } = wire(1_000, '1/chunk', format)
  const cancelled = Promise.withResolvers<number>()
  const cancel = (): void => cancelled.resolve(performance.now())
  let isOver = false
  const fetch = async (_: unknown, init?: RequestInit): Promise<Response> => {
    let at = 0
    const next = (): Bytes => opening[at++] ?? deltas[at % deltas.length] ?? new Uint8Array()
    const signal = isDeaf ? undefined : init?.signal
    const start = (controller: ReadableStreamDefaultController<Bytes>): void => {
      signal?.addEventListener('abort', () => {
        cancel()
        controller.error(signal.reason)
      })
    }
    const pull = async (controller: ReadableStreamDefaultController<Bytes>): Promise<void> => {
      await new Promise<void>((resolve) => !isOver && setTimeout(resolve))
      controller.enqueue(next())
    }
    return respond(new ReadableStream<Bytes>({ start, pull, cancel }, { highWaterMark: 0 }))
  }
  return {
    fetch,
    cancelled: cancelled.promise,
    end() {
      isOver = true
    },
  }
}
