import type { JsonOptions } from '../../core/json/stringify.ts'
import { LogPipeline } from '../pipeline/log-pipeline.ts'
import { SegmentStore } from '../pipeline/segment-store.ts'
import { createSink } from '../pipeline/sink.ts'
import type { WriteQueueOptions } from '../pipeline/write-queue.ts'
import type { RulesOptions } from '../redact.ts'
import { type D1Binding, d1Backend } from './d1-backend.ts'

/** Options of {@link D1LogStore}. */
export interface D1LogOptions extends RulesOptions, JsonOptions, Pick<WriteQueueOptions, 'room'> {}

/**
 * A log in a D1 database, shared by all Workers that are bound to it. Creates its two tables. Create a store per request: pending work belongs
 * to a request in Workers. It removes nothing automatically, because every request would have to look for old records: call `prune` from a
 * cron trigger. `tail` yields the records of other Workers only when this store writes.
 *
 * @example
 * async function answer(database: D1Binding, input: string): Promise<string> {
 *   const log = new D1LogStore(database)
 *   const output = await chain.invoke(input, { callbacks: [logHandler(log)] })
 *   await log.flush()
 *   return output
 * }
 */
export class D1LogStore extends SegmentStore {
  constructor(database: D1Binding, { room, ...options }: D1LogOptions = {}) {
    const queueOptions = { name: 'in D1', ...(room !== undefined && { room }) }
    const pipeline = new LogPipeline((events) => createSink(d1Backend(database), queueOptions, events), options)
    super(pipeline, options, () => pipeline.close())
  }
}
