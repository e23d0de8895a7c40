import type { JsonOptions } from '../../core/json/stringify.ts'
import { LogPipeline } from '../pipeline/log-pipeline.ts'
import { SegmentStore } from '../pipeline/segment-store.ts'
import { createSink } from '../pipeline/sink.ts'
import type { RulesOptions } from '../redact.ts'
import type { PruneLimits } from '../store.ts'
import { memoryBackend } from './backend.ts'

/** Options of {@link MemoryLogStore}. */
export interface MemoryLogOptions extends RulesOptions, JsonOptions {
  /** How much it keeps; the oldest records go, some hundred at a time. Default 10,000 records, 16 MB. */
  readonly retain?: PruneLimits
}

/**
 * A log in memory, of the last records: for tests, for servers, and where nothing else is to be had.
 *
 * @example
 * const store = new MemoryLogStore()
 * await chain.invoke(input, { callbacks: [logHandler(store)] })
 */
export class MemoryLogStore extends SegmentStore {
  constructor({ retain, ...options }: MemoryLogOptions = {}) {
    const pipeline = new LogPipeline((events) => createSink(memoryBackend(retain), { name: 'in memory' }, events), options)
    super(pipeline, options, () => pipeline.close())
  }
}
