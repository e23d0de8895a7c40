import { ChaintapError } from '../../core/errors.ts'
import type { RunEvent } from '../../core/event.ts'
import type { CallbackMethods } from '../../core/handler/methods.ts'
import type { JsonOptions } from '../../core/json/stringify.ts'
import { flushIgnoringErrors } from '../handler.ts'
import { LogPipeline } from '../pipeline/log-pipeline.ts'
import { SegmentStore } from '../pipeline/segment-store.ts'
import type { WriteQueueOptions } from '../pipeline/write-queue.ts'
import type { RulesOptions } from '../redact.ts'
import type { LogStore, PruneLimits } from '../store.ts'
import type { StorageEncodingOptions } from './open.ts'

export type { SegmentStore } from '../pipeline/segment-store.ts'
export type { WriteQueueOptions } from '../pipeline/write-queue.ts'
export type { StorageEncodingOptions } from './open.ts'

/** Options of {@link IndexedDBLogStore}. The first handle on a log in a page sets them; `redact` and `keep` are per handle. */
export interface IndexedDBLogOptions extends RulesOptions, JsonOptions, Partial<WriteQueueOptions>, StorageEncodingOptions {
  /**
   * Name of the log. Its database is `chaintap:<name>`.
   *
   * @defaultValue 'log'
   */
  readonly name?: string
  /**
   * Limits of the log, for all tabs together; the oldest records are removed.
   *
   * @defaultValue { maxBytes: 67_108_864 }
   */
  readonly retain?: PruneLimits
}

/** The pipeline of a log in this page. */
interface SharedPipeline {
  readonly pipeline: LogPipeline
  readonly encrypt: boolean | undefined
  handles: number
}

/** By the log's name: its handles share the records that wait to be stored, and their order. */
const openPipelines = new Map<string, SharedPipeline>()

/**
 * A log in IndexedDB that outlives the tab. Several tabs can write at the same time. Without IndexedDB (Node, Workers, sandboxed frames,
 * blocked storage) the log is in memory, and `isDurable` is false.
 *
 * @throws ChaintapError `invalid_options` for `encrypt: true` if this page has the log open without encryption
 *
 * @example
 * const store = new IndexedDBLogStore({ name: 'output', retain: { maxAgeMs: 7 * 86_400_000 } })
 * store.logger('app').info('ready')
 */
export class IndexedDBLogStore extends SegmentStore {
  /** Name of the log. */
  readonly name: string

  constructor({ name = 'log', retain = { maxBytes: 67_108_864 }, ...options }: IndexedDBLogOptions = {}) {
    const shared = openPipelines.get(name) ?? createSharedPipeline({ ...options, name, retain })
    if (options.encrypt && !shared.encrypt)
      throw new ChaintapError(
        'invalid_options',
        `The log "${name}" is already open without encryption. Close it first, or pass encrypt to every handle.`,
      )
    shared.handles++
    super(shared.pipeline, options, async () => {
      if (--shared.handles > 0) return shared.pipeline.flush().catch(() => {})
      openPipelines.delete(name)
      await shared.pipeline.close()
    })
    this.name = name
  }
}

function createSharedPipeline(options: IndexedDBLogOptions & { readonly name: string }): SharedPipeline {
  // Records wait for the database anyway: its code, and the write queue's, is loaded meanwhile.
  const pipeline = new LogPipeline(async (events) => (await import('./open.ts')).openSink(options, events), options)
  const shared: SharedPipeline = { pipeline, encrypt: options.encrypt, handles: 0 }
  openPipelines.set(options.name, shared)
  return shared
}

/**
 * A handler that writes every event it receives to a log in the browser; the counterpart of LangChain's `FileCallbackHandler`. Runs do not
 * wait for it, and its errors do not reach them; `stream.flushed` resolves after the events are stored.
 *
 * @example
 * const log = new IndexedDBCallbackHandler({ name: 'output' })
 * await chain.invoke('hello', { callbacks: [log] })
 * log.store.logger('app').info('done')
 */
export class IndexedDBCallbackHandler implements CallbackMethods {
  /** The handler's name in error reports. */
  readonly name: string = 'IndexedDBCallbackHandler'
  /** The log it writes to. */
  readonly store: LogStore

  constructor(options: IndexedDBLogOptions = {}) {
    this.store = new IndexedDBLogStore(options)
  }

  /** Writes an event to the log. */
  onEvent(event: RunEvent): void {
    this.store.write(event)
  }

  /** Resolves when every event written so far is stored, or failed to be. */
  flush(): Promise<void> {
    return flushIgnoringErrors(this.store)
  }
}
