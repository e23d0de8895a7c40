import { ChaintapError } from '../../core/errors.ts'
import { backoffMs, sleep } from '../../core/util/backoff.ts'
import { retryAfterMs } from '../../core/util/retry-after.ts'
import { MAX_TIMER_MS } from '../../core/util/signal.ts'
import { isTransientStatus } from '../../core/util/transient-status.ts'
import type { ShipBatch, ShipBatchBuilder } from './batch.ts'

/** Takes a batch: what it rejects with, or an answer that is no success, says that it has not. */
export type ShipTarget = (batch: ShipBatch) => void | Response | PromiseLike<void> | PromiseLike<Response | undefined>

/** How a target is reached by its address. */
export interface PostOptions {
  /** Sent with each batch. A function is asked before each. */
  readonly headers?: Readonly<Record<string, string>> | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>)
  /** Default: the engine's own. */
  readonly fetch?: typeof globalThis.fetch
}

/** Sends batches to an address. */
export function createHttpTarget(url: string | URL, { headers = {}, fetch = globalThis.fetch }: PostOptions): ShipTarget {
  return async ({ body, keepalive, signal }) => {
    const own = typeof headers === 'function' ? headers() : headers
    // In the same turn where it can: a page that is being left has no other.
    const given = own instanceof Promise ? await own : own
    const type = { 'content-type': 'application/x-ndjson' }
    // One that leads elsewhere is followed by a GET, without the records: where signing in is asked for, that answers well.
    const sent = { method: 'POST', body, keepalive, signal, redirect: 'manual' } as const
    return fetch(url, { ...sent, headers: { ...type, ...given } })
  }
}

/** Delivers a draft, and tries again for as long as that may help. Throws where it does not, and when the signal aborts. */
export async function deliverBatch(draft: ShipBatchBuilder, target: ShipTarget, { name, signal, onRetry }: DeliveryOptions): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    const failure = await tryDelivery(draft.build(signal, attempt > 1), target, name)
    if (!failure) return
    if (signal.aborted || failure.isPermanent) throw failure.error
    onRetry?.(failure.error)
    await sleep(Math.min(failure.waitMs ?? backoffMs(attempt), MAX_TIMER_MS), signal)
  }
}

interface DeliveryOptions {
  /** Said in errors. */
  readonly name: string
  readonly signal: AbortSignal
  readonly onRetry: ((error: unknown) => void) | undefined
}

interface DeliveryFailure {
  readonly error: unknown
  /** The same batch will not be taken later, either. */
  readonly isPermanent?: boolean
  readonly waitMs?: number | undefined
}

async function tryDelivery(batch: ShipBatch, target: ShipTarget, name: string): Promise<DeliveryFailure | undefined> {
  try {
    const response = await target(batch)
    if (!response) return undefined
    // Nobody reads it, and it may hold the connection.
    void response.body?.cancel().catch(() => {})
    const { ok, status, headers } = response
    return ok
      ? undefined
      : { error: shipRefusedError(name, status), isPermanent: !isTransientStatus(status), waitMs: retryAfterMs(headers) }
  } catch (error) {
    return { error }
  }
}

/** Of an answer that leads elsewhere browsers do not tell the status: it is 0. */
const shipRefusedError = (name: string, status: number): ChaintapError =>
  new ChaintapError(
    'ship_refused',
    `${name} answered ${status || 'that it is elsewhere'} to records of a log: see there why, and ship again. They are still in the log.`,
  )
