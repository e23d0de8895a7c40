import { Runnable } from 'chaintap'
import { Flow, type Fold } from 'chaintap/advanced'

/** A stream that counts its pulls and records its cancellations. */
export interface Counted<T> {
  readonly stream: ReadableStream<T>
  /** The number of pulls so far. */
  readonly pulls: () => number
  /** The reasons of the cancellations. */
  readonly cancels: readonly unknown[]
  /** Whether the stream has not ended, failed or been cancelled. */
  readonly isOpen: () => boolean
}

interface Ends<T> {
  /** The error after the last chunk. */
  readonly error?: unknown
  /** Whether the stream hangs after the last chunk instead of ending. */
  readonly stall?: boolean
  /** Called and awaited before each chunk. */
  readonly before?: (chunk: T) => Promise<unknown> | undefined
}

/** Creates a pull-driven stream of these chunks. */
export function counted<T>(chunks: Iterable<T>, { error, stall = false, before }: Ends<T> = {}): Counted<T> {
  const iterator = chunks[Symbol.iterator]()
  const cancels: unknown[] = []
  let pulls = 0
  let ended = false
  const stream = new ReadableStream<T>(
    {
      async pull(controller) {
        pulls++
        const next = iterator.next()
        if (!next.done) {
          await before?.(next.value)
          controller.enqueue(next.value)
          return
        }
        if (stall) await new Promise(() => {})
        ended = true
        if (error !== undefined) controller.error(error)
        else controller.close()
      },
      cancel(reason) {
        cancels.push(reason)
      },
    },
    { highWaterMark: 0 },
  )
  return { stream, pulls: () => pulls, cancels, isOpen: () => !ended && cancels.length === 0 }
}

/** A text model over in-memory streams, kind `llm`. A chunk of its source is a list of tokens, as one wire chunk contains several. */
export class Talker extends Runnable<string, string, string> {
  readonly name: string = 'Talker'
  readonly kind = 'llm'
  readonly sources: Counted<readonly string[]>[] = []
  readonly make: (input: string) => Counted<readonly string[]>

  constructor(make: readonly (readonly string[])[] | ((input: string) => Counted<readonly string[]>)) {
    super()
    this.make = typeof make === 'function' ? make : () => counted(make)
  }

  /** The stream of the last run. */
  get last(): Counted<readonly string[]> {
    const last = this.sources.at(-1)
    if (!last) throw new Error('The talker has no run yet')
    return last
  }

  override open(input: string): Flow<string> {
    const source = this.make(input)
    this.sources.push(source)
    return Flow.from(source.stream).through<string>(
      {
        transform(tokens, controller) {
          for (const token of tokens) controller.enqueue(token)
        },
      },
      joined,
    )
  }
}

const joined = (): Fold => {
  let text = ''
  return {
    add(token) {
      text += token as string
    },
    result: () => text,
  }
}

/** Waits until all tasks that are ready have run, including timers of `ms`. */
export const turn = (ms = 0): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Reads all chunks; returns them with the error, if any. */
export async function readAll<T>(chunks: AsyncIterable<T>): Promise<{ chunks: T[]; error: unknown }> {
  const all: T[] = []
  try {
    for await (const chunk of chunks) all.push(chunk)
    return { chunks: all, error: undefined }
  } catch (error) {
    return { chunks: all, error }
  }
}
