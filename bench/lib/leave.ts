import type { Answer, Library } from './library.ts'
import { type Figure, quantile } from './measure.ts'
import { type Bytes, type Format, respond, wire } from './wire.ts'

/** A source that is not cancelled within this time counts as never cancelled. */
const PATIENCE_MS = 500

/** Tries that do not count, because the first ones include compilation. */
const WARM_UP = 3

/** Reads before the reader leaves. */
const READS = 3

/** A way to leave an answer. */
interface Way {
  /** Set if it aborts a signal: whether the fetch follows or ignores it. */
  readonly aborts?: 'followed' | 'ignored'
  /** Leaves the answer, and calls `leaving` just before. Undefined if the library does not support this way. */
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
  abort: { leave: readOn, aborts: 'followed' },
  'abort, fetch ignores the signal': { leave: readOn, aborts: 'ignored' },
  'stop()': { leave: (answer, leaving) => answer.stop && readOn(answer, leaving, () => answer.stop?.()) },
}

export const wayNames: readonly string[] = Object.keys(ways)

async function cancelled(stream: ReadableStream<unknown>, leaving: () => void): Promise<void> {
  const reader = stream.getReader()
  for (let reads = 0; reads < READS; reads++) await reader.read()
  leaving()
  await reader.cancel()
}

/** Reads on until the answer ends after it was stopped from outside. */
async function readOn({ chunks }: Answer<unknown>, leaving: () => void, end: () => void): Promise<void> {
  let reads = 0
  for await (const _ of chunks) {
    if (++reads !== READS) continue
    leaving()
    end()
  }
}

/** Returns the median time from leaving to the cancellation of the source; undefined if the library does not support this way. */
export async function left(
  library: Library,
  way: string,
  format: Format,
  tries: number,
): Promise<Pick<Figure, 'value' | 'unit' | 'says'> | undefined> {
  const found = ways[way]
  if (!found) throw new Error(`Unknown way to leave: ${way}.`)
  const times: number[] = []
  for (let done = 0; done < WARM_UP + tries; done++) {
    const ms = await leftOnce(library, found, format)
    if (ms === undefined) return undefined
    if (!Number.isFinite(ms)) return { value: PATIENCE_MS, unit: 'ms', says: 'never' }
    times.push(ms)
  }
  return { value: quantile(times.slice(WARM_UP), 0.5), unit: 'ms' }
}

/** Returns the time in ms; Infinity if the source is never cancelled. */
async function leftOnce(library: Library, { aborts, leave }: Way, format: Format): Promise<number | undefined> {
  const source = endless(format, aborts === 'ignored')
  const controller = new AbortController()
  try {
    const answer = await library(source.fetch).stream(aborts ? { signal: controller.signal } : {})
    const leaving = Promise.withResolvers<number>()
    const over = leave(
      answer,
      () => leaving.resolve(performance.now()),
      () => controller.abort(),
    )
    // How reading ends does not matter here.
    void over?.then(() => leaving.reject(new Error('The answer ended before the reader left.')), leaving.reject)
    const began = over && (await leaving.promise)
    return began && (await Promise.race([source.cancelled, never()])) - began
  } finally {
    source.end()
  }
}

const never = (): Promise<number> => new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, Number.POSITIVE_INFINITY))

interface Endless {
  readonly fetch: typeof fetch
  /** Resolves with the time of the cancellation. */
  readonly cancelled: Promise<number>
  /** Stops an answer that was not cancelled. */
  end(): void
}

/** An endless answer with one chunk for each turn of the event loop, as from a socket. */
function endless(format: Format, ignoresSignal: boolean): Endless {
  const { opening, deltas } = wire(1_000, '1/chunk', format)
  const cancelled = Promise.withResolvers<number>()
  const cancel = (): void => cancelled.resolve(performance.now())
  let isOver = false
  const fetch = async (_: unknown, init?: RequestInit): Promise<Response> => {
    let at = 0
    const next = (): Bytes => opening[at++] ?? deltas[at % deltas.length] ?? new Uint8Array()
    const signal = ignoresSignal ? undefined : init?.signal
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
