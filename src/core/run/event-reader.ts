import type { EventSink, RunEvent } from '../event.ts'
import type { BatchMapper, BatchReader } from '../flow/source.ts'
import { createEventPredicate, type EventFilter } from '../handler/filter.ts'

interface QueuedEvent {
  readonly event: RunEvent
  handled: boolean
}

/**
 * Queues the events of a tree and gives them to the reader of `events()` in batches.
 *
 * - Events come in the order of their `seq`, each after the handlers have processed it (P4).
 * - While the reader is behind, no source is read (P6).
 */
export class RunEventReader implements EventSink, BatchReader<RunEvent> {
  /** Drives the tree. Its chunks arrive here as events. */
  driver: BatchReader<unknown> | undefined
  readonly #matches: ((event: RunEvent) => boolean) | undefined
  #queue: QueuedEvent[] = []
  #reading = false
  #isDeliveryScheduled = false
  #end: { readonly thrown?: unknown } | undefined
  #resolveRead: ((batch: readonly RunEvent[] | undefined) => void) | undefined
  #rejectRead: (error: unknown) => void = () => {}
  #drained: PromiseWithResolvers<void> | undefined

  constructor({ include, exclude }: EventFilter = {}) {
    if (include || exclude) this.#matches = createEventPredicate({ ...(include && { include }), ...(exclude && { exclude }) })
  }

  push(event: RunEvent, handled: Promise<unknown> | undefined): void {
    if (this.#matches && !this.#matches(event)) return
    const entry: QueuedEvent = { event, handled: !handled }
    this.#queue.push(entry)
    const done = (): void => {
      entry.handled = true
      this.#scheduleDelivery()
    }
    if (handled) handled.then(done, done)
    else this.#scheduleDelivery()
  }

  /** Delivers when the pass is over, so that its events are one batch. */
  #scheduleDelivery(): void {
    if (!this.#resolveRead || this.#isDeliveryScheduled) return
    this.#isDeliveryScheduled = true
    queueMicrotask(() => {
      this.#isDeliveryScheduled = false
      this.#deliver()
    })
  }

  ready(): Promise<void> | undefined {
    if (this.#resolveRead || this.#queue.length === 0) return
    this.#drained ??= Promise.withResolvers()
    return this.#drained.promise
  }

  read<T>(take: BatchMapper<RunEvent, T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#resolveRead = (batch) => resolve(take(batch))
      this.#rejectRead = reject
      this.#deliver()
    })
  }

  stop(reason: unknown): void {
    this.driver?.stop(reason)
  }

  #deliver(): void {
    const resolve = this.#resolveRead
    if (!resolve) return
    const batch = this.#takeHandled()
    if (batch.length > 0 || (this.#end && this.#queue.length === 0)) {
      this.#resolveRead = undefined
      this.#drained?.resolve()
      this.#drained = undefined
      if (batch.length > 0) resolve(batch)
      else if (this.#end && 'thrown' in this.#end) this.#rejectRead(this.#end.thrown)
      else resolve(undefined)
    } else if (!this.#reading && !this.#end) void this.#driveRun()
  }

  /** Drives the tree by reading it. The chunks read are ignored here: they arrive as events. */
  async #driveRun(): Promise<void> {
    this.#reading = true
    try {
      if (!(await this.driver?.read((batch) => batch))) this.#end = {}
    } catch (thrown) {
      this.#end = { thrown }
    }
    this.#reading = false
    this.#deliver()
  }

  /** Takes the events up to the first that handlers are still processing; all of them when the run is over. */
  #takeHandled(): readonly RunEvent[] {
    const first = this.#end ? -1 : this.#queue.findIndex((entry) => !entry.handled)
    const taken = first === -1 ? this.#queue : this.#queue.slice(0, first)
    this.#queue = first === -1 ? [] : this.#queue.slice(first)
    return taken.map((entry) => entry.event)
  }
}
