import { ChaintapError } from '../../core/errors.ts'
import type { EventFrame, EventLog } from './event-log.ts'
import type { DurableStorage } from './platform.ts'

/** Characters that may wait for a commit; then whoever adds waits. */
const MAX_PENDING_CHARACTERS = 1_048_576
const MAX_COMMIT_ATTEMPTS = 3

interface CommitBatcherOptions {
  readonly log: EventLog
  readonly storage: DurableStorage
  /** At least so long from one commit to the next. */
  readonly commitMs: number
  /** Told of each commit. */
  onCommit(): void
  /** Told when a commit has failed for good. */
  onError(error: unknown): void
}

/** Joins frames to commits: the first at once, then what has come until it is durable and `commitMs` have passed. */
export class CommitBatcher {
  readonly #options: CommitBatcherOptions
  #pending: EventFrame[] = []
  #pendingCharacters = 0
  #flushPromise: Promise<void> | undefined
  /** Cuts the pause between two commits short. */
  #skipPause = Promise.withResolvers<void>()
  /** Settles with the next commit, whatever becomes of it. */
  #nextCommit = Promise.withResolvers<void>()
  #storeOutcome: (() => Promise<void>) | undefined
  #failure: unknown

  constructor(writing: CommitBatcherOptions) {
    this.#options = writing
  }

  /** Never rejects; await it, so that what waits has a bound. */
  async add(frames: readonly EventFrame[]): Promise<void> {
    for (const frame of frames) {
      this.#pending.push(frame)
      this.#pendingCharacters += frame.text.length
    }
    if (this.#pending.length > 0) this.#flushPromise ??= this.#flush()
    if (this.#pendingCharacters <= MAX_PENDING_CHARACTERS) return
    this.#skipPause.resolve()
    await this.#nextCommit.promise
  }

  /** Writes the last frame, and in the same commit what `finish` writes. Rejects where that cannot be done. */
  async end(frame: EventFrame, finish: () => Promise<void>): Promise<void> {
    this.#pending.push(frame)
    this.#storeOutcome = finish
    this.#skipPause.resolve()
    await this.#flushPromise
    if (this.#pending.length > 0) await this.#flush()
    if (this.#pending.length > 0) throw this.#failure
  }

  async #flush(): Promise<void> {
    try {
      while (this.#pending.length > 0) {
        this.#skipPause = Promise.withResolvers()
        await this.#commit()
        if (!this.#storeOutcome) await pauseUnlessSkipped(this.#options.commitMs, this.#skipPause.promise)
      }
    } catch (cause) {
      this.#failure = new ChaintapError('storage_failed', 'The run was stopped, as its events could not be stored.', { cause })
      this.#options.onError(this.#failure)
    } finally {
      this.#flushPromise = undefined
      this.#nextCommit.resolve()
    }
  }

  async #commit(): Promise<void> {
    const { storage, log, onCommit } = this.#options
    const [frames, finish] = [this.#pending, this.#storeOutcome]
    this.#pending = []
    this.#pendingCharacters = 0
    for (let attempt = 1; ; attempt++) {
      try {
        const [durable, finished] = storage.transactionSync(() => [log.append(frames), finish?.()])
        await finished
        await storage.sync()
        durable()
        break
      } catch (error) {
        if (attempt === MAX_COMMIT_ATTEMPTS) {
          this.#pending = [...frames, ...this.#pending]
          throw error
        }
        await pauseUnlessSkipped(25 * 4 ** attempt)
      }
    }
    onCommit()
    this.#nextCommit.resolve()
    this.#nextCommit = Promise.withResolvers()
  }
}

/** Waits `ms`, or until `hurry` settles. */
export function pauseUnlessSkipped(ms: number, hurry?: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    const cut = (): void => {
      clearTimeout(timer)
      resolve()
    }
    void hurry?.then(cut, cut)
  })
}
