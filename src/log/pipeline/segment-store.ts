import { ChaintapError } from '../../core/errors.ts'
import { type AsyncDisposableIfKnown, setAsyncDispose } from '../../core/util/dispose.ts'
import type { LogLevel } from '../level.ts'
import type { LogFilter, LogQuery, LogRecord, StoredRecord } from '../record.ts'
import { createRules, type Rules, type RulesOptions } from '../redact.ts'
import { toMessageText } from '../segment/builder.ts'
import type { Logger, LogStore, PruneLimits } from '../store.ts'
import { streamFromBatches } from './batch-stream.ts'
import type { LogPipeline } from './log-pipeline.ts'
import type { WriteQueue } from './write-queue.ts'

/** A handle on a log, with its own redaction rules. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: a class cannot declare a member that only some libs know
export class SegmentStore implements LogStore {
  readonly #pipeline: LogPipeline
  readonly #rules: Rules
  readonly #closing = Promise.withResolvers<void>()
  #isClosed = false

  /** `release` closes the pipeline if no other handle uses it. @internal */
  constructor(pipeline: LogPipeline, options: RulesOptions, release: () => Promise<void>) {
    this.#pipeline = pipeline
    this.#rules = createRules(options)
    setAsyncDispose(this, async () => {
      if (this.#isClosed) return
      this.#isClosed = true
      this.#closing.resolve()
      await release()
    })
  }

  /** See {@link LogStore.isDurable}. */
  get isDurable(): boolean {
    return this.#pipeline.isDurable
  }

  /** See {@link LogStore.write}. */
  write(record: LogRecord): void {
    if (this.#isClosed) return
    try {
      this.#pipeline.write(record, this.#rules)
    } catch {
      // Not a record, or a getter or a rule threw.
    }
  }

  /** See {@link LogStore.append}. */
  append(records: readonly LogRecord[]): Promise<void>
  /** `rules` replace this handle's own. @internal */
  append(records: readonly LogRecord[], rules: Rules): Promise<void>
  append(records: readonly LogRecord[], rules: Rules = this.#rules): Promise<void> {
    const appended = this.#isClosed ? Promise.reject(storeClosedError()) : this.#pipeline.append(records, rules)
    appended.catch(() => {})
    return appended
  }

  /** See {@link LogStore.read}. */
  read(query: LogQuery = {}): ReadableStream<StoredRecord> {
    return streamFromBatches(async () => (await this.#loadReader()).readLog(this.#pipeline, query))
  }

  /** See {@link LogStore.tail}. */
  tail(filter: LogFilter = {}): ReadableStream<StoredRecord> {
    const after = filter.after === undefined ? this.#pipeline.endCursor() : Promise.resolve(filter.after)
    // A rejection reaches the reader.
    after.catch(() => {})
    return streamFromBatches(async (cancelled) => {
      const until = Promise.race([cancelled, this.#closing.promise])
      return (await this.#loadReader()).tailLog(this.#pipeline, { ...filter, after: await after }, until)
    })
  }

  /** Loaded on the first read: many pages only write. */
  async #loadReader(): Promise<typeof import('./read.ts')> {
    if (this.#isClosed) throw storeClosedError()
    return import('./read.ts')
  }

  /** See {@link LogStore.prune}. */
  async prune(limits: PruneLimits): Promise<void> {
    await (await this.#flushedQueue()).prune(limits)
  }

  /** See {@link LogStore.clear}. */
  async clear(): Promise<void> {
    await (await this.#flushedQueue()).clear()
  }

  /** See {@link LogStore.onRemoval}. */
  get onRemoval(): Set<() => void> {
    return this.#pipeline.changes.onRemoval
  }

  async #flushedQueue(): Promise<WriteQueue> {
    await this.flush().catch(() => {})
    return this.#pipeline.opened
  }

  /** See {@link LogStore.flush}. */
  flush(): Promise<void> {
    return this.#pipeline.flush()
  }

  /** See {@link LogStore.logger}. */
  logger(category: string | readonly string[]): Logger {
    return createLogger(this, category)
  }
}

const storeClosedError = (): ChaintapError => new ChaintapError('log_closed', 'The log store is closed. Create a new one.')

/** Returns a logger that writes to a store. */
function createLogger(store: Pick<LogStore, 'write'>, category: string | readonly string[]): Logger {
  const at = (level: LogLevel): Logger['info'] => {
    return (message, properties = {}) => {
      if (typeof message === 'string') store.write({ level, category, message, properties })
      else store.write({ level, category, message: toMessageText(message), properties: { value: message, ...properties } })
    }
  }
  return { trace: at('trace'), debug: at('debug'), info: at('info'), warn: at('warning'), error: at('error'), fatal: at('fatal') }
}

export interface SegmentStore extends AsyncDisposableIfKnown {}
