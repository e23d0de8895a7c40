/** Emits that records were added to a log or removed from it, by this page or by others. */
export class LogChanges {
  /** Number of open `tail` streams. */
  tailCount = 0
  /** Number of calls of `removed`. */
  removalCount = 0
  /** Called after records were removed. */
  readonly onRemoval: Set<() => void> = new Set()
  #next = Promise.withResolvers<void>()

  /** Resolves with the next change of what can be read. */
  get next(): Promise<void> {
    return this.#next.promise
  }

  changed(): void {
    this.#next.resolve()
    this.#next = Promise.withResolvers()
  }

  removed(): void {
    this.removalCount++
    for (const listener of this.onRemoval) listener()
  }
}
