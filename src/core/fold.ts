/** Makes an output of the chunks of a run. One instance per run. */
export interface Fold<Chunk = unknown, Out = unknown> {
  add(chunk: Chunk): void
  /** The output so far; callable at any time. */
  result(): Out
}

/** A run that gives one value: its last chunk. */
export function last<T>(): Fold<T, T | undefined> {
  let value: T | undefined
  return {
    add: (chunk) => {
      value = chunk
    },
    result: () => value,
  }
}

/** Text in pieces. Joined now and then: 1,024 short strings in one flat string take a tenth of the memory. */
export function text(): Fold<string, string> {
  let parts: string[] = []
  const result = (): string => {
    if (parts.length > 1) parts = [parts.join('')]
    return parts[0] ?? ''
  }
  return {
    add: (chunk) => {
      if (parts.push(chunk) === 1_024) result()
    },
    result,
  }
}

/** Chunks of any kind: strings join, anything else becomes an array. */
export function list(): Fold<unknown, unknown> {
  const strings = text()
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

/** About 1 MB: more than any model's answer, and a bound for streams without end. */
const UNASKED_SIZE = 512 * 1_024

/**
 * Keeps a fold that nobody asked for until it grows past half a million characters (or 8,192 other chunks): so `outcome.output` is there
 * for who asks late, and a stream of any length runs in constant memory.
 */
export class Kept implements Fold {
  #fold: Fold | undefined
  #room: number

  constructor(fold: Fold, asked: boolean) {
    this.#fold = fold
    this.#room = asked ? Number.POSITIVE_INFINITY : UNASKED_SIZE
  }

  /** False where it grew too large before anyone asked. */
  ask(): boolean {
    this.#room = Number.POSITIVE_INFINITY
    return this.#fold !== undefined
  }

  add(chunk: unknown): void {
    if (!this.#fold) return
    this.#room -= typeof chunk === 'string' ? chunk.length : 64
    if (this.#room < 0) this.#fold = undefined
    else this.#fold.add(chunk)
  }

  result(): unknown {
    return this.#fold?.result()
  }
}
