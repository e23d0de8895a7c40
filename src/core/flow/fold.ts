/** Makes an output of the chunks of a run. One instance per run. */
export interface Fold<Chunk = unknown, Out = unknown> {
  add(chunk: Chunk): void
  /** The output so far; callable at any time. */
  result(): Out
  /** It keeps no more however many chunks there are. */
  readonly isBounded?: boolean
}

/** A run that gives one value: its last chunk. */
export function lastChunkFold<T>(): Fold<T, T | undefined> {
  let value: T | undefined
  return {
    add: (chunk) => {
      value = chunk
    },
    result: () => value,
    isBounded: true,
  }
}

/**
 * Text in pieces, joined by the hundred: one flat string takes a tenth of the memory of its tokens, and each is copied twice at most.
 * Not `+=`: V8's ropes move to the old generation before they are flat, and double the time of a token.
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

/** Chunks of any kind: strings join, anything else becomes an array. */
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

/** Characters of text, in a string or a Delta; a guess for anything else. */
function chunkSize(chunk: unknown): number {
  if (typeof chunk === 'string') return chunk.length
  const { text } = (chunk ?? {}) as { text?: unknown }
  return typeof text === 'string' ? text.length : 64
}

/** About 1 MB: more than any model's answer, and a bound for streams without end. */
const MAX_UNREQUESTED_CHARS = 512 * 1_024

/**
 * Keeps a fold that nobody asked for until it grows past half a million characters (or 8,192 other chunks): so `outcome.output` is there
 * for who asks late, and a stream of any length runs in constant memory.
 */
export class RetainedOutput implements Fold {
  #fold: Fold | undefined
  #remainingChars = MAX_UNREQUESTED_CHARS

  constructor(fold: Fold) {
    this.#fold = fold
    if (fold.isBounded) this.#remainingChars = Number.POSITIVE_INFINITY
  }

  /** False where it grew too large before anyone asked. */
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
