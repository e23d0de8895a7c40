import { ChaintapError } from '../../core/errors.ts'
import type { JsonOptions } from '../../core/json/stringify.ts'
import { levels } from '../level.ts'
import type { LogRecord } from '../record.ts'
import type { Rules } from '../redact.ts'
import { isTreeEnd } from '../run-end.ts'
import type { SegmentBuffer } from '../segment/buffer.ts'
import { SegmentBuilder } from '../segment/builder.ts'
import type { WriteQueue, WriteQueueEvents } from './write-queue.ts'

/** How long a record waits at most until it is on its way, in ms. */
const FLUSH_DELAY_MS = 200
/** How many segments wait for the outbox. */
const MAX_EARLY_SEGMENTS = 128
const ERROR_LEVEL = levels.indexOf('error')

/** Where all handles of a log write. */
export class SegmentWriter implements WriteQueueEvents {
  /** @throws ChaintapError `log_not_written` where it cannot be had */
  readonly opened: Promise<WriteQueue>
  /** Every record goes on its way at once: a page that is hidden has slow timers, and may not come back. */
  isImmediate = false
  /** How many wait for records as they come. */
  tailCount = 0
  /** How often segments have gone. */
  removalCount = 0
  /** Called when they have. */
  readonly onRemoval: Set<() => void> = new Set()
  readonly #builder: SegmentBuilder
  queue: WriteQueue | undefined
  /** From before there is an outbox. */
  readonly #earlyBuffers: SegmentBuffer[] = []
  /** For how many records there was no room then. */
  #lostRecords = 0
  /** The end of the log when it was opened, where somebody has asked for it before. */
  #initialEnd: Promise<string> | undefined
  #isEndRequested = false
  #timer: ReturnType<typeof setTimeout> | null = null
  #flushing: Promise<void> | undefined
  #change = Promise.withResolvers<void>()

  constructor(open: (sender: WriteQueueEvents) => WriteQueue | Promise<WriteQueue>, options: JsonOptions) {
    this.#builder = new SegmentBuilder(options, (draft) => this.#handOff(draft))
    this.opened = suppressUnhandledRejection(Promise.resolve(open(this)).then((outbox) => this.#attachQueue(outbox), throwOpenError))
  }

  #handOff(draft: SegmentBuffer): void {
    if (this.queue) this.queue.enqueue(draft)
    else if (this.#earlyBuffers.length < MAX_EARLY_SEGMENTS) this.#earlyBuffers.push(draft)
    else this.#lostRecords += draft.records
  }

  #attachQueue(outbox: WriteQueue): WriteQueue {
    this.queue = outbox
    if (this.#isEndRequested) this.#initialEnd = outbox.endCursor()
    for (const draft of this.#earlyBuffers.splice(0)) outbox.enqueue(draft)
    if (this.#lostRecords > 0) outbox.reportLoss(this.#lostRecords)
    return outbox
  }

  get isDurable(): boolean {
    return this.queue?.isDurable ?? false
  }

  changed(): void {
    this.#change.resolve()
    this.#change = Promise.withResolvers()
  }

  removed(): void {
    this.removalCount++
    this.#builder.resetRuns()
    for (const told of this.onRemoval) told()
  }

  /** Settles with the next change of what can be read. */
  get change(): Promise<void> {
    return this.#change.promise
  }

  write(record: LogRecord, rules: Rules): void {
    const level = this.#builder.add(record, rules)
    const isInMemory = this.queue?.backend.isDurable === false
    if (this.isImmediate || level >= ERROR_LEVEL || ('run' in record && isTreeEnd(record)) || (isInMemory && this.tailCount > 0))
      void this.flush()
    else if (!isInMemory) this.#timer ??= setTimeout(() => void this.flush(), FLUSH_DELAY_MS)
  }

  async append(records: readonly LogRecord[], rules: Rules): Promise<void> {
    for (const record of records) {
      this.write(record, rules)
      // What is left waits with its owner.
      if (this.queue ? this.queue.isBusy : this.#earlyBuffers.length > 0) await this.flush().catch(() => {})
    }
    await this.flush()
  }

  /** Resolves when everything that was written is kept. What is written in the same turn goes along. */
  flush(): Promise<void> {
    this.#flushing ??= suppressUnhandledRejection(
      Promise.resolve().then(() => {
        this.#flushing = undefined
        return this.#save()
      }),
    )
    return this.#flushing
  }

  async #save(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.finishSegment()
    const isEarly = this.queue === undefined
    await (this.queue ?? (await this.opened)).flush()
    if (isEarly && this.#lostRecords > 0) throw new ChaintapError('log_not_written', 'Too much was written before it was open.')
  }

  /** What was written is given to the outbox. */
  finishSegment(): void {
    this.#builder.finish()
  }

  /** The cursor behind which everything comes that is written from now on. */
  async endCursor(): Promise<string> {
    this.finishSegment()
    const last = this.#earlyBuffers.at(-1)
    if (this.queue) return this.queue.endCursor()
    this.#isEndRequested = true
    const outbox = await this.opened
    return last ? outbox.endCursor(last.name) : (this.#initialEnd ?? '')
  }

  async close(): Promise<void> {
    await this.flush().catch(() => {})
    await this.opened.then((outbox) => outbox.close()).catch(() => {})
  }
}

/** It may be rejected though nobody waits for it. */
function suppressUnhandledRejection<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

function throwOpenError(cause: unknown): never {
  throw new ChaintapError('log_not_written', 'The log could not be opened: load the page again.', {
    cause,
  })
}
