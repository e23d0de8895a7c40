import { ChaintapError } from '../../core/errors.ts'
import type { Frame, FrameLog } from './event-log.ts'
import type { DurableStorage } from './platform.ts'

/** Characters that may wait for a commit; then whoever adds waits. */
const PENDING = 1_048_576
const ATTEMPTS = 3

interface Writing {
  readonly log: FrameLog
  readonly storage: DurableStorage
  /** At least so long from one commit to the next. */
  readonly commitMs: number
  /** Told of each commit. */
  committed(): void
  /** Told when a commit has failed for good. */
  failed(error: unknown): void
}

/** Joins frames to commits: the first at once, then what has come until it is durable and `commitMs` have passed. */
export class LogWriter {
  readonly #writing: Writing
  #pending: Frame[] = []
  #size = 0
  #flushing: Promise<void> | undefined
  /** Cuts the pause between two commits short. */
  #hurry = Promise.withResolvers<void>()
  /** Settles with the next commit, whatever becomes of it. */
  #turn = Promise.withResolvers<void>()
  #finish: (() => Promise<void>) | undefined
  #failure: unknown

  constructor(writing: Writing) {
    this.#writing = writing
  }

  /** Never rejects; await it, so that what waits has a bound. */
  async add(frames: readonly Frame[]): Promise<void> {
    for (const frame of frames) {
      this.#pending.push(frame)
      this.#size += frame.text.length
    }
    if (this.#pending.length > 0) this.#flushing ??= this.#flush()
    if (this.#size <= PENDING) return
    this.#hurry.resolve()
    await this.#turn.promise
  }

  /** Writes the last frame, and in the same commit what `finish` writes. Rejects where that cannot be done. */
  async end(frame: Frame, finish: () => Promise<void>): Promise<void> {
    this.#pending.push(frame)
    this.#finish = finish
    this.#hurry.resolve()
    await this.#flushing
    if (this.#pending.length > 0) await this.#flush()
    if (this.#pending.length > 0) throw this.#failure
  }

  async #flush(): Promise<void> {
    try {
      while (this.#pending.length > 0) {
        this.#hurry = Promise.withResolvers()
        await this.#commit()
        if (!this.#finish) await pause(this.#writing.commitMs, this.#hurry.promise)
      }
    } catch (cause) {
      this.#failure = new ChaintapError('storage_failed', 'The run was stopped, as its events could not be stored.', { cause })
      this.#writing.failed(this.#failure)
    } finally {
      this.#flushing = undefined
      this.#turn.resolve()
    }
  }

  async #commit(): Promise<void> {
    const { storage, log, committed } = this.#writing
    const [frames, finish] = [this.#pending, this.#finish]
    this.#pending = []
    this.#size = 0
    for (let attempt = 1; ; attempt++) {
      try {
        const [durable, finished] = storage.transactionSync(() => [log.append(frames), finish?.()])
        await finished
        await storage.sync()
        durable()
        break
      } catch (error) {
        if (attempt === ATTEMPTS) {
          this.#pending = [...frames, ...this.#pending]
          throw error
        }
        await pause(25 * 4 ** attempt)
      }
    }
    committed()
    this.#turn.resolve()
    this.#turn = Promise.withResolvers()
  }
}

/** Waits `ms`, or until `hurry` settles. */
export function pause(ms: number, hurry?: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    const cut = (): void => {
      clearTimeout(timer)
      resolve()
    }
    void hurry?.then(cut, cut)
  })
}
