import type { JsonOptions } from '../../core/json/stringify.ts'
import { LogPipeline } from '../pipeline/log-pipeline.ts'
import { SegmentStore } from '../pipeline/segment-store.ts'
import { createSink } from '../pipeline/sink.ts'
import type { RulesOptions } from '../redact.ts'
import type { PruneLimits } from '../store.ts'
import { memoryBackend } from './backend.ts'

/** Options of {@link MemoryLogStore}. */
export interface MemoryLogOptions extends RulesOptions, JsonOptions {
  /**
   * Limits of the log; the oldest records are removed, a few hundred at a time.
   *
   * @defaultValue { maxRecords: 10_000, maxBytes: 16_777_216 }
   */
  readonly retain?: PruneLimits
}

/**
 * A log in memory that holds the newest records: for tests, for servers, and for pages without IndexedDB.
 *
 * @example
 * const store = new MemoryLogStore()
 * await chain.invoke('hello', { callbacks: [logHandler(store)] })
 */
export class MemoryLogStore extends SegmentStore {
  constructor({ retain, ...options }: MemoryLogOptions = {}) {
    const pipeline = new LogPipeline((events) => createSink(memoryBackend(retain), { name: 'in memory' }, events), options)
    super(pipeline, options, () => pipeline.close())
  }
}
