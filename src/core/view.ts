import type { RunEvent } from './event.ts'
import type { Batches } from './pump.ts'

/** A reader of the events of a run and all below it. */
export interface View {
  push(event: RunEvent, heard: Promise<unknown> | undefined): void
  /** A promise where the reader is behind. */
  gate(): Promise<void> | undefined
}

interface Entry {
  readonly event: RunEvent
  heard: boolean
}

/**
 * The events of a tree as batches, for the reader of `events()`.
 *
 * - In the order of their `seq`, each after the handlers have heard it (P4).
 * - While the reader is behind, nothing more is read from any source (P6).
 */
export class EventReader implements View, Batches<RunEvent> {
  /** What drives the tree. Its chunks come here as events. */
  pump: Batches<unknown> | undefined
  #entries: Entry[] = []
  #reading = false
  #end: { readonly thrown?: unknown } | undefined
  #waiting: PromiseWithResolvers<readonly RunEvent[] | undefined> | undefined
  #taken: PromiseWithResolvers<void> | undefined

  push(event: RunEvent, heard: Promise<unknown> | undefined): void {
    const entry: Entry = { event, heard: !heard }
    this.#entries.push(entry)
    const done = (): void => {
      entry.heard = true
      this.#turn()
    }
    if (heard) heard.then(done, done)
    else this.#turn()
  }

  gate(): Promise<void> | undefined {
    if (this.#waiting || this.#entries.length === 0) return
    this.#taken ??= Promise.withResolvers()
    return this.#taken.promise
  }

  next(): Promise<readonly RunEvent[] | undefined> {
    this.#waiting = Promise.withResolvers()
    const { promise } = this.#waiting
    this.#turn()
    return promise
  }

  stop(reason: unknown): void {
    this.pump?.stop(reason)
  }

  #turn(): void {
    const waiting = this.#waiting
    if (!waiting) return
    const batch = this.#take()
    if (batch.length > 0 || (this.#end && this.#entries.length === 0)) {
      this.#waiting = undefined
      this.#taken?.resolve()
      this.#taken = undefined
      if (batch.length > 0) waiting.resolve(batch)
      else if (this.#end && 'thrown' in this.#end) waiting.reject(this.#end.thrown)
      else waiting.resolve(undefined)
    } else if (!this.#reading && !this.#end) void this.#read()
  }

  /** What has been heard, up to the first that has not. When the run is over nobody is waited for. */
  #take(): readonly RunEvent[] {
    const first = this.#end ? -1 : this.#entries.findIndex((entry) => !entry.heard)
    const taken = first === -1 ? this.#entries : this.#entries.slice(0, first)
    this.#entries = first === -1 ? [] : this.#entries.slice(first)
    return taken.map((entry) => entry.event)
  }

  async #read(): Promise<void> {
    this.#reading = true
    try {
      if (!(await this.pump?.next())) this.#end = {}
    } catch (thrown) {
      this.#end = { thrown }
    }
    this.#reading = false
    this.#turn()
  }
}
