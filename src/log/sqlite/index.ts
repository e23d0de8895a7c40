import type { JsonOptions } from '../../core/json/stringify.ts'
import { LogPipeline } from '../pipeline/log-pipeline.ts'
import { SegmentStore } from '../pipeline/segment-store.ts'
import { createSink } from '../pipeline/sink.ts'
import type { WriteQueueOptions } from '../pipeline/write-queue.ts'
import type { RulesOptions } from '../redact.ts'
import type { PruneLimits } from '../store.ts'
import { type SqliteStorage, sqliteBackend } from './backend.ts'

export type { SegmentStore } from '../pipeline/segment-store.ts'
export type { WriteQueueOptions } from '../pipeline/write-queue.ts'
export { type LogBucket, type LogQueue, type R2Options, toQueue, toR2 } from '../ship/cloudflare.ts'
export type { SqliteStorage } from './backend.ts'
export { type D1LogOptions, D1LogStore } from './d1.ts'
export type { D1Binding, D1Statement } from './d1-backend.ts'

/** Options of {@link DurableLogStore}. */
export interface DurableLogOptions extends RulesOptions, JsonOptions, Pick<WriteQueueOptions, 'room'> {
  /**
   * Limits of the log; the oldest records are removed.
   *
   * @defaultValue { maxBytes: 67_108_864 }
   */
  readonly retain?: PruneLimits
}

/**
 * A log in the SQLite database of a Durable Object; it survives hibernation and restarts. Create one store per instance, in the constructor
 * of the object.
 *
 * @example
 * export class Conversation {
 *   readonly log: DurableLogStore
 *   constructor({ storage }: { readonly storage: SqliteStorage }) {
 *     this.log = new DurableLogStore(storage)
 *   }
 * }
 */
export class DurableLogStore extends SegmentStore {
  constructor(storage: SqliteStorage, { retain = { maxBytes: 67_108_864 }, room, ...options }: DurableLogOptions = {}) {
    const queueOptions = { name: 'in SQLite', retain, ...(room !== undefined && { room }) }
    const pipeline = new LogPipeline((events) => createSink(sqliteBackend(storage), queueOptions, events), options)
    super(pipeline, options, () => pipeline.close())
  }
}
