import { ChaintapError } from '../../core/errors.ts'
import type { JsonOptions } from '../../core/json/stringify.ts'
import { levels } from '../level.ts'
import type { LogRecord } from '../record.ts'
import type { Rules } from '../redact.ts'
import { isTreeEnd } from '../run-end.ts'
import type { SegmentBuffer } from '../segment/buffer.ts'
import { SegmentBuilder } from '../segment/builder.ts'
import type { SegmentEncoder } from '../segment/encoder.ts'
import { LogChanges } from './log-changes.ts'
import type { PageState, PipelineSink } from './sink.ts'
import type { WriteQueue, WriteQueueEvents } from './write-queue.ts'

/** Maximum time before a record is sent to the backend, in ms. */
const FLUSH_DELAY_MS = 200
/** Maximum number of segments buffered before the backend is open. */
const MAX_EARLY_SEGMENTS = 128
const ERROR_LEVEL = levels.indexOf('error')

/**
 * Records in, segments out: buffer → encoder → write queue → backend. All handles on one log in one page share its pipeline. Data flows in
 * this direction only; readers follow `changes`.
 */
export class LogPipeline {
  /**
   * The write queue, once the backend is open.
   *
   * @throws ChaintapError `log_not_written` if it cannot be opened
   */
  readonly opened: Promise<WriteQueue>
  readonly changes: LogChanges = new LogChanges()
  readonly #builder: SegmentBuilder
  #encoder: SegmentEncoder | undefined
  #queue: WriteQueue | undefined
  #unwatchPage: (() => void) | undefined
  /** Every record is sent at once: the timers of a hidden page are slow, and it may not come back. */
  #isImmediate = false
  /** Finished before the backend was open. */
  readonly #earlyBuffers: SegmentBuffer[] = []
  /** Number of records dropped because `#earlyBuffers` was full. */
  #lostRecords = 0
  /** The end of the log when it was opened, if it was requested before that. */
  #initialEnd: Promise<string> | undefined
  #isEndRequested = false
  #timer: ReturnType<typeof setTimeout> | null = null
  #flushing: Promise<void> | undefined

  /** `open` passes the events to the write queue that it creates. */
  constructor(open: (events: WriteQueueEvents) => PipelineSink | Promise<PipelineSink>, options: JsonOptions) {
    this.#builder = new SegmentBuilder(options, (buffer) => this.#enqueue(buffer))
    const opening = open({ changed: () => this.changes.changed(), removed: () => this.#onRemoved() })
    this.opened = suppressUnhandledRejection(Promise.resolve(opening).then((sink) => this.#attach(sink), throwOpenError))
  }

  #enqueue(buffer: SegmentBuffer): void {
    if (this.#queue && this.#encoder) this.#queue.enqueue(this.#encoder.encode(buffer))
    else if (this.#earlyBuffers.length < MAX_EARLY_SEGMENTS) this.#earlyBuffers.push(buffer)
    else this.#lostRecords += buffer.records
  }

  #attach({ encoder, queue, watchPage }: PipelineSink): WriteQueue {
    // First: a page that is already hidden finishes its buffer, which is sent with the early ones.
    this.#unwatchPage = watchPage?.((state) => this.onPageState(state))
    this.#encoder = encoder
    this.#queue = queue
    if (this.#isEndRequested) this.#initialEnd = queue.endCursor()
    for (const buffer of this.#earlyBuffers.splice(0)) this.#enqueue(buffer)
    if (this.#lostRecords > 0) queue.reportLoss(this.#lostRecords)
    return queue
  }

  #onRemoved(): void {
    this.#builder.resetRuns()
    this.changes.removed()
  }

  get isDurable(): boolean {
    return this.#queue?.isDurable ?? false
  }

  /** Called when the page's lifecycle changes: `hidden` and `leaving` save the buffer at once, `visible` retries a failed write. */
  onPageState(state: PageState): void {
    if (state !== 'leaving') this.#isImmediate = state === 'hidden'
    if (state === 'visible') return this.#queue?.retry()
    this.#builder.finish()
    this.#queue?.send(true)
  }

  write(record: LogRecord, rules: Rules): void {
    const level = this.#builder.add(record, rules)
    const isInMemory = this.#queue?.backend.isDurable === false
    const isFollowed = isInMemory && this.changes.tailCount > 0
    if (this.#isImmediate || level >= ERROR_LEVEL || ('run' in record && isTreeEnd(record)) || isFollowed) void this.flush()
    else if (!isInMemory) this.#timer ??= setTimeout(() => void this.flush(), FLUSH_DELAY_MS)
  }

  async append(records: readonly LogRecord[], rules: Rules): Promise<void> {
    for (const record of records) {
      this.write(record, rules)
      // The records that are left stay with the caller meanwhile.
      if (this.#queue ? this.#queue.isBusy : this.#earlyBuffers.length > 0) await this.flush().catch(() => {})
    }
    await this.flush()
  }

  /** Resolves when every record written so far, and in the rest of this turn, is stored. */
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
    this.#builder.finish()
    const isEarly = this.#queue === undefined
    await (this.#queue ?? (await this.opened)).flush()
    if (isEarly && this.#lostRecords > 0)
      throw new ChaintapError(
        'log_not_written',
        `Records were dropped: more than ${MAX_EARLY_SEGMENTS} segments were written before the database opened.`,
      )
  }

  /** The cursor after which every record written from now on is read. */
  async endCursor(): Promise<string> {
    this.#builder.finish()
    const last = this.#earlyBuffers.at(-1)
    if (this.#queue) return this.#queue.endCursor()
    this.#isEndRequested = true
    const queue = await this.opened
    return last ? queue.endCursor(last.name) : (this.#initialEnd ?? '')
  }

  async close(): Promise<void> {
    await this.flush().catch(() => {})
    this.#unwatchPage?.()
    await this.opened.then((queue) => queue.close()).catch(() => {})
  }
}

/** For a promise that callers may leave unhandled. */
function suppressUnhandledRejection<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

function throwOpenError(cause: unknown): never {
  throw new ChaintapError('log_not_written', 'The log could not be opened. Reload the page.', {
    cause,
  })
}
