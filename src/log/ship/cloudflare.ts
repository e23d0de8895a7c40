import type { RunEvent } from '../../core/event.ts'
import { stringify } from '../../core/json/stringify.ts'
import { HEADER } from '../export/ndjson-lines.ts'
import { type LogLevel, levelOf } from '../level.ts'
import type { ShipBatch } from './batch.ts'
import type { ShipTarget } from './post.ts'

/** The part of a Cloudflare Queue binding that {@link toQueue} uses. */
export interface LogQueue {
  /** Sends one message. */
  send(message: string, options: { readonly contentType: 'text' }): Promise<unknown>
}

/** The part of an R2 bucket binding that {@link toR2} uses. */
export interface LogBucket {
  /** Writes one object, replacing an object with the same key. */
  put(key: string, value: string, options: { readonly httpMetadata: { readonly contentType: string } }): Promise<unknown>
}

/** Cloudflare Queues accepts messages of 128 KB (128,000 bytes), of which it needs about a hundred bytes itself. */
const MAX_QUEUE_MESSAGE_BYTES = 127_000

/**
 * Creates a target for {@link shipTo} that sends each batch as one message to a Cloudflare Queue: NDJSON of at most 60 KB, which `importLog`
 * reads.
 *
 * Both the queue and the shipper may deliver a message twice: use the records' `id`s to deduplicate. A single record that exceeds the message
 * limit of 127,000 bytes is replaced by a free record with the same `id`, time and level that states its size.
 *
 * @see https://developers.cloudflare.com/queues/platform/limits/
 * @example
 * const shipper = shipTo(log, toQueue(env.LOGS), { name: 'queue' })
 */
export const toQueue =
  (queue: LogQueue): ShipTarget =>
  async (batch) => {
    await queue.send(batch.bytes > MAX_QUEUE_MESSAGE_BYTES ? createOversizeNotice(batch) : batch.body, { contentType: 'text' })
  }

/** Options of {@link toR2}. */
export interface R2Options {
  /**
   * Prefix of each key, e.g. `logs/`.
   *
   * @defaultValue `''`
   */
  readonly prefix?: string
}

/**
 * Creates a target for {@link shipTo} that writes each batch as one NDJSON object to an R2 bucket; `importLog` reads it.
 *
 * The key consists of the time and the `id` of the first record: `2026-09-15T12:00:00.000Z-<id>.ndjson`. Keys sort by time, and a batch that is
 * sent again overwrites its object, so that each record is stored once.
 *
 * @see https://developers.cloudflare.com/r2/api/workers/workers-api-reference/
 * @example
 * const shipper = shipTo(log, toR2(env.BUCKET, { prefix: 'logs/' }), { name: 'r2' })
 */
export const toR2 =
  (bucket: LogBucket, { prefix = '' }: R2Options = {}): ShipTarget =>
  async (batch) => {
    const { id, at } = parseFirstRecord(batch)
    const key = `${prefix}${new Date(at).toISOString()}-${id}.ndjson`
    await bucket.put(key, batch.body, { httpMetadata: { contentType: 'application/x-ndjson' } })
  }

interface FirstRecord {
  readonly id: string
  readonly at: number
  /** Missing in the line of an event. */
  readonly level?: LogLevel
}

function parseFirstRecord({ body }: ShipBatch): FirstRecord {
  const line = JSON.parse(body.split('\n', 2)[1] ?? '') as RunEvent & FirstRecord
  // A missing time, or one beyond the range of Date (ECMA-262 §21.4.1.1), would make toISOString() throw.
  const at = Math.abs(Number(line.at)) <= 8.64e15 ? Number(line.at) : 0
  return { id: line.id, at, level: line.level ?? levelOf(line) }
}

function createOversizeNotice(batch: ShipBatch): string {
  const message = `A record of ${batch.bytes} bytes was left out: a queue message holds at most ${MAX_QUEUE_MESSAGE_BYTES}. Set a lower limit for the log.`
  return `${HEADER}\n${stringify({ ...parseFirstRecord(batch), category: ['chaintap'], message, properties: { bytes: batch.bytes } })}\n`
}
