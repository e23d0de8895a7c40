import type { Flow } from './flow.ts'
import type { Source, SourceResult } from './source.ts'

type Batch = readonly unknown[]

interface InputReader {
  /** Chunks that arrived before it began. */
  early: unknown[]
  hasBegun: boolean
  waiting?: PromiseWithResolvers<SourceResult<Batch>> | undefined
}

/**
 * Supplies the batches of one flow to several readers, in step: the flow is read when all readers that have begun wait for more, so that no
 * queue grows (P6) and each has processed what came before a failure (P3). A reader that begins later first gets all that it missed.
 */
export class SharedInput {
  readonly #flow: Flow
  readonly #readers = new Set<InputReader>()
  #isReading = false
  #end: { readonly failure?: { readonly error: unknown } } | undefined

  constructor(flow: Flow) {
    this.#flow = flow
  }

  /** Adds a reader. Add all of them before the first one begins. The flow is cancelled when the last one is. */
  reader(): Source<Batch> {
    const reader: InputReader = { early: [], hasBegun: false }
    this.#readers.add(reader)
    return { next: () => this.#next(reader), cancel: (reason) => this.#leave(reader, reason) }
  }

  #next(reader: InputReader): Promise<SourceResult<Batch>> | SourceResult<Batch> {
    reader.hasBegun = true
    if (reader.early.length > 0) {
      const value = reader.early
      reader.early = []
      return { done: false, value }
    }
    reader.waiting = Promise.withResolvers()
    const { promise } = reader.waiting
    if (this.#end) this.#deliver(reader)
    else void this.#advance()
    return promise
  }

  async #advance(): Promise<void> {
    const begun = [...this.#readers].filter(({ hasBegun }) => hasBegun)
    if (this.#isReading || this.#end || begun.length === 0 || !begun.every(({ waiting }) => waiting)) return
    this.#isReading = true
    const batch = await this.#flow.next().catch((error: unknown) => {
      this.#end = { failure: { error } }
    })
    this.#isReading = false
    if (!batch) this.#end ??= {}
    for (const reader of this.#readers) this.#deliver(reader, batch ?? undefined)
  }

  /** Gives a reader a batch, or the end. */
  #deliver(reader: InputReader, batch?: Batch): void {
    const { waiting } = reader
    reader.waiting = undefined
    if (batch && waiting) waiting.resolve({ done: false, value: batch })
    else if (batch) for (const chunk of batch) reader.early.push(chunk)
    else if (this.#end?.failure) waiting?.reject(this.#end.failure.error)
    else waiting?.resolve({ done: true })
  }

  #leave(reader: InputReader, reason: unknown): void {
    this.#readers.delete(reader)
    reader.waiting?.resolve({ done: true })
    if (this.#readers.size === 0) this.#flow.cancel(reason)
    else void this.#advance()
  }
}
