import type { RunEvent } from '../../core/event.ts'
import { stringify } from '../../core/json/stringify.ts'
import { HEADER } from '../export/ndjson-lines.ts'
import { type LogLevel, levelOf } from '../level.ts'
import type { ShipBatch } from './batch.ts'
import type { ShipTarget } from './post.ts'

/** What is used of a Queue binding. */
export interface LogQueue {
  send(message: string, options: { readonly contentType: 'text' }): Promise<unknown>
}

/** What is used of an R2 binding. */
export interface LogBucket {
  put(key: string, value: string, options: { readonly httpMetadata: { readonly contentType: string } }): Promise<unknown>
}

/** Bytes of a message that Cloudflare Queues takes: 128 KB in thousands, of which it needs some hundred itself. */
const MAX_QUEUE_MESSAGE_BYTES = 127_000

/**
 * Delivers a log to a Cloudflare Queue, for {@link shipTo}: each batch is one message, a text of NDJSON of at most 60 KB that `importLog` reads. A
 * Queue may give a message twice, and so may the delivery: records have their `id`s. A single record that no message can hold is replaced by one
 * with the same `id` and time that says so.
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
  /** Before each key, e.g. `logs/`. Default: none. */
  readonly prefix?: string
}

/**
 * Delivers a log to an R2 bucket, for {@link shipTo}: each batch is one object of NDJSON, which `importLog` reads. Its key is the time and the
 * `id` of its first record, `2026-09-15T12:00:00.000Z-<id>.ndjson`: in the order of time, and what is sent again overwrites itself, so that each
 * record is there once.
 *
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
  /** Of an event its line does not say it. */
  readonly level?: LogLevel
}

function parseFirstRecord({ body }: ShipBatch): FirstRecord {
  const line = JSON.parse(body.split('\n', 2)[1] ?? '') as RunEvent & FirstRecord
  // A time that is none, or beyond the calendar of ECMAScript, would be no part of a key.
  const at = Math.abs(Number(line.at)) <= 8.64e15 ? Number(line.at) : 0
  return { id: line.id, at, level: line.level ?? levelOf(line) }
}

function createOversizeNotice(batch: ShipBatch): string {
  const message = `A record of ${batch.bytes} bytes was left out: a message of a queue holds ${MAX_QUEUE_MESSAGE_BYTES}. Give the log a lower limit.`
  return `${HEADER}\n${stringify({ ...parseFirstRecord(batch), category: ['chaintap'], message, properties: { bytes: batch.bytes } })}\n`
}
