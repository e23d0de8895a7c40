import { ChaintapError } from '../../core/errors.ts'
import type { EventFrame, EventLog } from './event-log.ts'
import type { DurableStorage } from './platform.ts'

/** Characters that may be pending. If there are more, `add` waits for the next commit. */
const MAX_PENDING_CHARACTERS = 1_048_576
const MAX_COMMIT_ATTEMPTS = 3

interface CommitBatcherOptions {
  readonly log: EventLog
  readonly storage: DurableStorage
  /** Minimum pause between two commits, in ms. */
  readonly commitMs: number
  /** Called after each commit. */
  onCommit(): void
  /** Called when a commit has failed MAX_COMMIT_ATTEMPTS times. */
  onError(error: unknown): void
}

/** Batches frames into commits. The first commit starts at once; each next one once the last is durable and `commitMs` have passed. */
export class CommitBatcher {
  readonly #options: CommitBatcherOptions
  #pending: EventFrame[] = []
  #pendingCharacters = 0
  #flushPromise: Promise<void> | undefined
  /** Resolves to end the pause between two commits early. */
  #skipPause = Promise.withResolvers<void>()
  /** Resolves after the next commit, even if it fails. */
  #nextCommit = Promise.withResolvers<void>()
  #storeOutcome: (() => Promise<void>) | undefined
  #failure: unknown

  constructor(options: CommitBatcherOptions) {
    this.#options = options
  }

  /** Queues frames. Await it, so that the queue stays bounded. Never rejects. */
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

  /** Commits the last frame together with what `storeOutcome` writes. Rejects if the commit fails. */
  async end(frame: EventFrame, storeOutcome: () => Promise<void>): Promise<void> {
    this.#pending.push(frame)
    this.#storeOutcome = storeOutcome
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
      this.#failure = new ChaintapError('storage_failed', 'The run was stopped because its events could not be stored.', { cause })
      this.#options.onError(this.#failure)
    } finally {
      this.#flushPromise = undefined
      this.#nextCommit.resolve()
    }
  }

  async #commit(): Promise<void> {
    const { storage, log, onCommit } = this.#options
    const [frames, storeOutcome] = [this.#pending, this.#storeOutcome]
    this.#pending = []
    this.#pendingCharacters = 0
    for (let attempt = 1; ; attempt++) {
      try {
        const [markDurable, outcomeStored] = storage.transactionSync(() => [log.append(frames), storeOutcome?.()])
        await outcomeStored
        await storage.sync()
        markDurable()
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

/** Waits `ms`, or until `skip` settles. */
export function pauseUnlessSkipped(ms: number, skip?: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    const end = (): void => {
      clearTimeout(timer)
      resolve()
    }
    void skip?.then(end, end)
  })
}
