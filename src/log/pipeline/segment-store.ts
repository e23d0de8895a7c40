import { ChaintapError } from '../../core/errors.ts'
import { asyncDispose } from '../../core/flow/iterator.ts'
import type { LogLevel } from '../level.ts'
import type { LogFilter, LogQuery, LogRecord, StoredRecord } from '../record.ts'
import { type Rules, type RulesOptions, rulesOf } from '../redact.ts'
import { textOf } from '../segment/builder.ts'
import type { Logger, LogStore, PruneLimits } from '../store.ts'
import { streamOf } from './batch-stream.ts'
import type { Outbox } from './write-queue.ts'
import type { Writer } from './writer.ts'

/** A handle on a log of segments, with rules of its own. */
export class SegmentStore implements LogStore {
  declare readonly [Symbol.asyncDispose]: () => Promise<void>
  readonly #writer: Writer
  readonly #rules: Rules
  readonly #closing = Promise.withResolvers<void>()
  #isClosed = false

  /** `release` closes the writer, unless others write there. */
  constructor(writer: Writer, options: RulesOptions, release: () => Promise<void>) {
    this.#writer = writer
    this.#rules = rulesOf(options)
    const dispose = async (): Promise<void> => {
      if (this.#isClosed) return
      this.#isClosed = true
      this.#closing.resolve()
      await release()
    }
    Object.defineProperty(this, asyncDispose, { value: dispose })
  }

  get isDurable(): boolean {
    return this.#writer.isDurable
  }

  write(record: LogRecord): void {
    if (this.#isClosed) return
    try {
      this.#writer.write(record, this.#rules)
    } catch {
      // No record at all, one whose getters throw, or a rule that does.
    }
  }

  /** `rules`: in place of this handle's own. */
  append(records: readonly LogRecord[], rules: Rules = this.#rules): Promise<void> {
    const appended = this.#isClosed ? Promise.reject(closed()) : this.#writer.append(records, rules)
    appended.catch(() => {})
    return appended
  }

  read(query: LogQuery = {}): ReadableStream<StoredRecord> {
    return streamOf(async () => (await this.#reading()).read(this.#writer, query))
  }

  tail(filter: LogFilter = {}): ReadableStream<StoredRecord> {
    const after = filter.after === undefined ? this.#writer.end() : Promise.resolve(filter.after)
    // Whoever reads is told.
    after.catch(() => {})
    return streamOf(async (left) => {
      const until = Promise.race([left, this.#closing.promise])
      return (await this.#reading()).follow(this.#writer, { ...filter, after: await after }, until)
    })
  }

  /** Whoever only writes does not load it. */
  async #reading(): Promise<typeof import('./read.ts')> {
    if (this.#isClosed) throw closed()
    return import('./read.ts')
  }

  async prune(limits: PruneLimits): Promise<void> {
    await (await this.#flushed()).prune(limits)
  }

  async clear(): Promise<void> {
    await (await this.#flushed()).clear()
  }

  get onRemoval(): Set<() => void> {
    return this.#writer.onRemoval
  }

  async #flushed(): Promise<Outbox> {
    await this.flush().catch(() => {})
    return this.#writer.opened
  }

  flush(): Promise<void> {
    return this.#writer.flush()
  }

  logger(category: string | readonly string[]): Logger {
    return loggerFor(this, category)
  }
}

const closed = (): ChaintapError => new ChaintapError('log_closed', 'This log store was closed: make another.')

/** A logger that writes to a store. */
function loggerFor(store: Pick<LogStore, 'write'>, category: string | readonly string[]): Logger {
  const at = (level: LogLevel): Logger['info'] => {
    return (message, properties = {}) => {
      if (typeof message === 'string') store.write({ level, category, message, properties })
      else store.write({ level, category, message: textOf(message), properties: { value: message, ...properties } })
    }
  }
  return { trace: at('trace'), debug: at('debug'), info: at('info'), warn: at('warning'), error: at('error'), fatal: at('fatal') }
}
