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

/** Options of {@link IndexedDBLogStore}. Those of the handle that was first to open a log hold for it; `redact` and `content` are each handle's own. */
export interface IndexedDBLogOptions extends RulesOptions, JsonOptions, Partial<WriteQueueOptions>, StorageEncodingOptions {
  /** Of the log; its database is `chaintap:<name>`. Default `log`. */
  readonly name?: string
  /** How much it keeps, of all tabs together; the oldest records go. Default 64 MB. */
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
 * A log in IndexedDB, which outlives the tab. Many tabs can write at once. Where there is no IndexedDB (Node, Workers, sandboxed frames,
 * blocked storage) it is a log in memory, and `isDurable` says so.
 *
 * @throws ChaintapError `invalid_options` for `encrypt` where this page has the log open without it
 *
 * @example
 * const store = new IndexedDBLogStore({ name: 'output', retain: { maxAgeMs: 7 * 86_400_000 } })
 * store.logger('app').info('ready')
 */
export class IndexedDBLogStore extends SegmentStore {
  readonly name: string

  constructor({ name = 'log', retain = { maxBytes: 67_108_864 }, ...options }: IndexedDBLogOptions = {}) {
    const shared = openPipelines.get(name) ?? createSharedPipeline({ ...options, name, retain })
    if (options.encrypt && !shared.encrypt)
      throw new ChaintapError('invalid_options', `The log "${name}" is open unencrypted: close it first.`)
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
 * Writes every event of the runs it hears to a log in the browser: LangChain's `FileCallbackHandler`, for pages. No run waits for it, and
 * its failures harm none; `stream.flushed` waits until what it heard is saved.
 *
 * @example
 * const log = new IndexedDBCallbackHandler({ name: 'output' })
 * await chain.invoke({ number: 2 }, { callbacks: [log] })
 * log.store.logger('app').info('done')
 */
export class IndexedDBCallbackHandler implements CallbackMethods {
  readonly name: string = 'IndexedDBCallbackHandler'
  readonly store: LogStore

  constructor(options: IndexedDBLogOptions = {}) {
    this.store = new IndexedDBLogStore(options)
  }

  onEvent(event: RunEvent): void {
    this.store.write(event)
  }

  flush(): Promise<void> {
    return flushIgnoringErrors(this.store)
  }
}
