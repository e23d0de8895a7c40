import { BudgetExceeded } from '../../core/errors.ts'
import type { RunEvent } from '../../core/event.ts'
import { encoder } from '../../core/json/index.ts'
import type { Outcome } from '../../core/outcome.ts'
import type { RunStream } from '../../core/run/run-stream.ts'
import { LONGEST_TIMER } from '../../core/util/signal.ts'
import { type Expose, logFailure, publicEvent, publicOutcome } from '../response/public-error.ts'
import { eventFrame, outcomeFrame } from '../response/sse.ts'
import { LogWriter } from './commit-batcher.ts'
import type { Frame, FrameLog } from './event-log.ts'
import type { DurableStorage } from './platform.ts'

/** What a waiting reader is woken by. */
export type Change = 'rows' | 'beat'

interface Setting {
  readonly log: FrameLog
  readonly storage: DurableStorage
  readonly limits: { readonly events: number; readonly bytes: number }
  readonly commitMs: number
  readonly heartbeatMs: number
  readonly expose: Expose
  /** Writes beside the last frame how the run ended. */
  finish(outcome: Outcome<unknown>): Promise<void>
}

/** A run whose work is done here and now: it is read as fast as it comes, and written to the log. */
export class Recording {
  /** Settles when the end is durable; rejects where it could not be stored. */
  readonly ended: Promise<void>
  /** Settles when the handlers are done too. */
  readonly done: Promise<void>
  isOver = false
  readonly #run: RunStream<RunEvent, unknown>
  readonly #setting: Setting
  readonly #writer: LogWriter
  #change = Promise.withResolvers<Change>()
  #hasMoved = true

  constructor(run: RunStream<RunEvent, unknown>, setting: Setting) {
    const { log, storage, commitMs } = setting
    this.#run = run
    this.#setting = setting
    this.#writer = new LogWriter({ log, storage, commitMs, committed: () => this.#committed(), failed: (error) => this.#failed(error) })
    this.ended = this.#record()
    this.done = this.ended.then(() => run.flushed)
  }

  /** Settles with the next commit or heartbeat; rejects where the log is broken. */
  get changed(): Promise<Change> {
    return this.#change.promise
  }

  stop(reason: unknown): void {
    this.#run.stop(reason)
  }

  async #record(): Promise<void> {
    const { heartbeatMs } = this.#setting
    const timer = heartbeatMs > 0 ? setInterval(() => this.#beat(), Math.min(heartbeatMs, LONGEST_TIMER)) : null
    try {
      await this.#write()
      this.isOver = true
      this.#tell('rows')
    } catch (error) {
      this.#change.promise.catch(() => {})
      this.#change.reject(error)
      throw error
    } finally {
      if (timer) clearInterval(timer)
    }
  }

  async #write(): Promise<void> {
    const { expose, finish } = this.#setting
    const encode = encoder()
    // Asked for now, it is kept however long it grows.
    const { outcome } = this.#run
    let seq = 0
    const frameOf = (event: RunEvent): Frame => {
      seq = event.seq + 1
      return { seq: event.seq, text: eventFrame(event, encode(publicEvent(event, expose))) }
    }
    try {
      for (let batch = await this.#run.nextBatch(); batch; batch = await this.#run.nextBatch()) await this.#writer.add(batch.map(frameOf))
    } catch (error) {
      // Told as an event, and by the outcome.
      if ((await outcome).status === 'failed') logFailure(error)
    }
    const told = publicOutcome(await outcome, expose)
    await this.#writer.end({ seq, text: outcomeFrame(told) }, () => finish(told))
  }

  #failed(error: unknown): void {
    logFailure(error)
    this.stop(error)
  }

  #committed(): void {
    const { log, limits } = this.#setting
    if (log.last >= limits.events) this.stop(new BudgetExceeded(`The run told more than ${limits.events} events, the limit.`))
    if (log.bytes > limits.bytes) this.stop(new BudgetExceeded(`The events of the run are more than ${limits.bytes} bytes, the limit.`))
    this.#hasMoved = true
    this.#tell('rows')
  }

  #beat(): void {
    if (!this.#hasMoved) this.#tell('beat')
    this.#hasMoved = false
  }

  #tell(change: Change): void {
    const told = this.#change
    this.#change = Promise.withResolvers()
    told.resolve(change)
  }
}
