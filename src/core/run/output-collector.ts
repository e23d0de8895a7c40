import { type Fold, RetainedOutput } from '../flow/fold.ts'

/** Accumulates the output of one run, if a consumer needs it. */
export class OutputCollector {
  /** Whether a consumer needs the output: `late` if `outcome` may still be read. */
  needed: 'no' | 'late' | 'yes' = 'no'
  #retained: RetainedOutput | undefined

  /** Starts accumulating if the output is needed; reuses `folding` when a child run already accumulates it. */
  start(fold: () => Fold, folding: RetainedOutput | undefined): RetainedOutput | undefined {
    if (this.needed === 'no') return
    this.#retained = folding ?? new RetainedOutput(fold())
    if (this.needed === 'yes') this.#retained.retain()
    return this.#retained
  }

  /** Requests the output. False if it was discarded, because it grew too large before the request. */
  retain(): boolean {
    this.needed = 'yes'
    return this.#retained?.retain() ?? true
  }

  /** The output so far. */
  get value(): unknown {
    return this.#retained?.result()
  }
}
