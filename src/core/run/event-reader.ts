import type { RunEvent } from '../event.ts'
import type { Take } from '../flow/source.ts'
import { type EventFilter, matches } from '../handler/filter.ts'
import type { Batches } from './driver.ts'

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
  readonly #isChosen: ((event: RunEvent) => boolean) | undefined
  #entries: Entry[] = []
  #reading = false
  #isWoken = false
  #end: { readonly thrown?: unknown } | undefined
  #waiting: ((batch: readonly RunEvent[] | undefined) => void) | undefined
  #fail: (error: unknown) => void = () => {}
  #taken: PromiseWithResolvers<void> | undefined

  constructor({ include, exclude }: EventFilter = {}) {
    if (include || exclude) this.#isChosen = matches({ ...(include && { include }), ...(exclude && { exclude }) })
  }

  push(event: RunEvent, heard: Promise<unknown> | undefined): void {
    if (this.#isChosen && !this.#isChosen(event)) return
    const entry: Entry = { event, heard: !heard }
    this.#entries.push(entry)
    const done = (): void => {
      entry.heard = true
      this.#wake()
    }
    if (heard) heard.then(done, done)
    else this.#wake()
  }

  /** Turns when the pass is over, so that its events are one batch. */
  #wake(): void {
    if (!this.#waiting || this.#isWoken) return
    this.#isWoken = true
    queueMicrotask(() => {
      this.#isWoken = false
      this.#turn()
    })
  }

  gate(): Promise<void> | undefined {
    if (this.#waiting || this.#entries.length === 0) return
    this.#taken ??= Promise.withResolvers()
    return this.#taken.promise
  }

  read<T>(take: Take<RunEvent, T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting = (batch) => resolve(take(batch))
      this.#fail = reject
      this.#turn()
    })
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
      if (batch.length > 0) waiting(batch)
      else if (this.#end && 'thrown' in this.#end) this.#fail(this.#end.thrown)
      else waiting(undefined)
    } else if (!this.#reading && !this.#end) void this.#drive()
  }

  /** Chunks come as events from within; reading only drives the tree on. */
  async #drive(): Promise<void> {
    this.#reading = true
    try {
      if (!(await this.pump?.read((batch) => batch))) this.#end = {}
    } catch (thrown) {
      this.#end = { thrown }
    }
    this.#reading = false
    this.#turn()
  }

  /** What has been heard, up to the first that has not. When the run is over nobody is waited for. */
  #take(): readonly RunEvent[] {
    const first = this.#end ? -1 : this.#entries.findIndex((entry) => !entry.heard)
    const taken = first === -1 ? this.#entries : this.#entries.slice(0, first)
    this.#entries = first === -1 ? [] : this.#entries.slice(first)
    return taken.map((entry) => entry.event)
  }
}
