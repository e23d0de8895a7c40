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
 * A log in D1, one for all Workers that are bound to the database; it makes its two tables itself. A store is of one request, as all that
 * waits is in a Worker: make it there. It prunes nothing by itself, as every request would look for what is old: call `prune` from a cron.
 * `tail` hears of what others write when something is written here.
 *
 * @example
 * const log = new D1LogStore(env.DB)
 * return toResponse(chain.events(input, { callbacks: [logHandler(log)] }), { request, ctx })
 */
export class D1LogStore extends SegmentStore {
  constructor(database: D1Binding, { room, ...options }: D1LogOptions = {}) {
    const queueOptions = { name: 'in D1', ...(room !== undefined && { room }) }
    const pipeline = new LogPipeline((events) => createSink(d1Backend(database), queueOptions, events), options)
    super(pipeline, options, () => pipeline.close())
  }
}
