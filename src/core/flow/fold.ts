/**
 * Accumulates the chunks of a run into its output. One instance per run.
 *
 * @example
 * const countChunks = (): Fold<unknown, number> => {
 *   let count = 0
 *   return { add: () => void count++, result: () => count, isBounded: true }
 * }
 */
export interface Fold<Chunk = unknown, Out = unknown> {
  /** Adds the next chunk. */
  add(chunk: Chunk): void
  /** Returns the output of the chunks so far. May be called at any time. */
  result(): Out
  /**
   * Whether its memory does not grow with the number of chunks.
   *
   * @defaultValue false
   */
  readonly isBounded?: boolean
  /** Whether the chunks have the keys of the output: they are parts of it, or states of it. @internal */
  readonly keepsKeys?: boolean
}

/** A fold whose output is the last chunk: for runs that produce one value. */
export function lastChunkFold<T>(): Fold<T, T | undefined> {
  let value: T | undefined
  return {
    add: (chunk) => {
      value = chunk
    },
    result: () => value,
    isBounded: true,
    keepsKeys: true,
  }
}

/** The fold of a flow of one value, of which nothing comes before the whole. */
export const valueFold = <T>(): Fold<T, T | undefined> => lastChunkFold<T>()

/**
 * A fold that joins text, 128 chunks at a time: one flat string takes a tenth of the memory of its tokens, and each token is copied at
 * most twice. Not `+=`: V8's ropes reach the old generation before they are flat and double the time per token.
 */
export function textFold(): Fold<string, string> {
  const joined: string[] = []
  const pieces: string[] = []
  let count = 0
  return {
    add: (chunk) => {
      pieces[count++] = chunk
      if (count < 128) return
      joined.push(pieces.join(''))
      count = 0
    },
    result: () => joined.join('') + pieces.slice(0, count).join(''),
  }
}

/** A fold for any chunks: strings are joined; if any chunk is not a string, the output is an array. */
export function defaultFold(): Fold<unknown, unknown> {
  const strings = textFold()
  let all: unknown[] | undefined
  let empty = true
  return {
    add: (chunk) => {
      if (!all && typeof chunk === 'string') strings.add(chunk)
      else {
        all ??= empty ? [] : [strings.result()]
        all.push(chunk)
      }
      empty = false
    },
    result: () => all ?? (empty ? [] : strings.result()),
  }
}

/** The characters of a string or of a text Delta; 64 as an estimate for anything else. */
function chunkSize(chunk: unknown): number {
  if (typeof chunk === 'string') return chunk.length
  const { text } = (chunk ?? {}) as { text?: unknown }
  return typeof text === 'string' ? text.length : 64
}

/** About 1 MB: longer than any model's response, and a bound for endless streams. */
const MAX_UNREQUESTED_CHARS = 512 * 1_024

/**
 * Accumulates output that was not requested yet, and discards it past 524,288 characters (or 8,192 other chunks): `outcome.output` can
 * still be requested late, and a stream of any length runs in constant memory.
 */
export class RetainedOutput implements Fold {
  #fold: Fold | undefined
  #remainingChars = MAX_UNREQUESTED_CHARS

  constructor(fold: Fold) {
    this.#fold = fold
    if (fold.isBounded) this.#remainingChars = Number.POSITIVE_INFINITY
  }

  /** Requests the output: it is no longer limited. Returns false if it was already discarded. */
  retain(): boolean {
    this.#remainingChars = Number.POSITIVE_INFINITY
    return this.#fold !== undefined
  }

  add(chunk: unknown): void {
    if (!this.#fold) return
    if (this.#remainingChars !== Number.POSITIVE_INFINITY) this.#remainingChars -= chunkSize(chunk)
    if (this.#remainingChars < 0) this.#fold = undefined
    else this.#fold.add(chunk)
  }

  result(): unknown {
    return this.#fold?.result()
  }
}
