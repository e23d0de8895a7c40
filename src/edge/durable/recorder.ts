import { BudgetExceeded } from '../../core/errors.ts'
import type { RunEvent } from '../../core/event.ts'
import type { Outcome } from '../../core/outcome.ts'
import type { RunStream } from '../../core/run/run-stream.ts'
import { MAX_TIMER_MS } from '../../core/util/signal.ts'
import { encodeOutcomeFrame, eventFrameEncoder } from '../response/event-frames.ts'
import type { MessageMask } from '../response/message-mask.ts'
import { logFailure, publicOutcome } from '../response/public-error.ts'
import { CommitBatcher } from './commit-batcher.ts'
import type { EventFrame, EventLog } from './event-log.ts'
import type { DurableStorage } from './platform.ts'

/** What a waiting reader is notified of: new rows, or a heartbeat. */
export type LogChange = 'rows' | 'beat'

interface RunRecorderOptions {
  readonly log: EventLog
  readonly storage: DurableStorage
  readonly limits: { readonly events: number; readonly bytes: number }
  readonly commitMs: number
  readonly heartbeatMs: number
  readonly mask: MessageMask
  /** Stores the outcome in the transaction of the last frame. */
  storeOutcome(outcome: Outcome<unknown>): Promise<void>
}

/** Reads a run that executes in this object as fast as possible, and writes its events to the log. */
export class RunRecorder {
  /** Resolves once the end is durable; rejects if it could not be stored. */
  readonly ended: Promise<void>
  /** Resolves once the run's handlers are done too. */
  readonly handlersDone: Promise<void>
  isOver = false
  readonly #run: RunStream<RunEvent, unknown>
  readonly #options: RunRecorderOptions
  readonly #batcher: CommitBatcher
  #change = Promise.withResolvers<LogChange>()
  #hasCommittedSinceHeartbeat = true

  constructor(run: RunStream<RunEvent, unknown>, options: RunRecorderOptions) {
    const { log, storage, commitMs } = options
    this.#run = run
    this.#options = options
    this.#batcher = new CommitBatcher({
      log,
      storage,
      commitMs,
      onCommit: () => this.#onCommit(),
      onError: (error) => this.#onCommitError(error),
    })
    this.ended = this.#record()
    this.handlersDone = this.ended.then(() => run.flushed)
  }

  /** Resolves at the next commit or heartbeat; rejects if the log cannot be written. */
  get nextChange(): Promise<LogChange> {
    return this.#change.promise
  }

  stop(reason: unknown): void {
    this.#run.stop(reason)
  }

  async #record(): Promise<void> {
    const { heartbeatMs } = this.#options
    const timer = heartbeatMs > 0 ? setInterval(() => this.#onHeartbeat(), Math.min(heartbeatMs, MAX_TIMER_MS)) : null
    try {
      await this.#writeEvents()
      this.isOver = true
      this.#notifyReaders('rows')
    } catch (error) {
      this.#change.promise.catch(() => {})
      this.#change.reject(error)
      throw error
    } finally {
      if (timer) clearInterval(timer)
    }
  }

  async #writeEvents(): Promise<void> {
    const { mask, storeOutcome } = this.#options
    const encodeFrame = eventFrameEncoder(mask.expose)
    // Accessed before reading, so that the output is retained however long it gets.
    const { outcome } = this.#run
    let seq = 0
    const toFrame = (event: RunEvent): EventFrame => {
      seq = event.seq + 1
      return { seq: event.seq, text: encodeFrame(mask.applyToEvent(event)) }
    }
    try {
      for (let batch = await this.#run.nextBatch(); batch; batch = await this.#run.nextBatch()) await this.#batcher.add(batch.map(toFrame))
    } catch (error) {
      // Readers receive it in an event and in the outcome.
      if ((await outcome).status === 'failed') logFailure(error)
    }
    const sent = publicOutcome(await outcome, mask.expose)
    await this.#batcher.end({ seq, text: encodeOutcomeFrame(sent) }, () => storeOutcome(sent))
  }

  #onCommitError(error: unknown): void {
    logFailure(error)
    this.stop(error)
  }

  #onCommit(): void {
    const { log, limits } = this.#options
    if (log.lastSeq >= limits.events) this.stop(new BudgetExceeded(`The run exceeded the limit of ${limits.events} events.`))
    if (log.durableBytes > limits.bytes) this.stop(new BudgetExceeded(`The events of the run exceeded the limit of ${limits.bytes} bytes.`))
    this.#hasCommittedSinceHeartbeat = true
    this.#notifyReaders('rows')
  }

  #onHeartbeat(): void {
    if (!this.#hasCommittedSinceHeartbeat) this.#notifyReaders('beat')
    this.#hasCommittedSinceHeartbeat = false
  }

  #notifyReaders(change: LogChange): void {
    const previous = this.#change
    this.#change = Promise.withResolvers()
    previous.resolve(change)
  }
}
