import { ChaintapError } from '../../core/errors.ts'
import { backoffMs, sleep } from '../../core/util/backoff.ts'
import { retryAfterMs } from '../../core/util/retry-after.ts'
import { MAX_TIMER_MS } from '../../core/util/signal.ts'
import { isTransientStatus } from '../../core/util/transient-status.ts'
import type { ShipBatch, ShipBatchBuilder } from './batch.ts'

/**
 * Delivers a batch. Delivery has failed if it rejects or resolves with a `Response` that is not `ok`; a rejection is retried, a response by its
 * status (see {@link shipTo}).
 */
export type ShipTarget = (batch: ShipBatch) => void | Response | PromiseLike<void> | PromiseLike<Response | undefined>

/** How batches are sent to a URL. */
export interface PostOptions {
  /** Request headers. A function is called before each request, e.g. for a token that expires. */
  readonly headers?: Readonly<Record<string, string>> | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>)
  /**
   * Sends the requests.
   *
   * @defaultValue `globalThis.fetch`
   */
  readonly fetch?: typeof globalThis.fetch
}

/** Creates a target that POSTs batches to a URL. */
export function createHttpTarget(url: string | URL, { headers = {}, fetch = globalThis.fetch }: PostOptions): ShipTarget {
  return async ({ body, keepalive, signal }) => {
    const given = typeof headers === 'function' ? headers() : headers
    // Awaits only a promise, so that otherwise fetch is called in the same turn: a page that is being left has no other.
    const own = given instanceof Promise ? await given : given
    // A followed redirect becomes a GET without the records, and a sign-in page would answer it with 200.
    const init = { method: 'POST', body, keepalive, signal, redirect: 'manual' } as const
    return fetch(url, { ...init, headers: { 'content-type': 'application/x-ndjson', ...own } })
  }
}

/** Delivers a batch, retrying as long as the failure is transient. Throws a permanent failure, and when the signal aborts. */
export async function deliverBatch(
  builder: ShipBatchBuilder,
  target: ShipTarget,
  { name, signal, onRetry }: DeliveryOptions,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    const failure = await tryDelivery(builder.build(signal, attempt > 1), target, name)
    if (!failure) return
    if (signal.aborted || failure.isPermanent) throw failure.error
    onRetry?.(failure.error)
    await sleep(Math.min(failure.waitMs ?? backoffMs(attempt), MAX_TIMER_MS), signal)
  }
}

interface DeliveryOptions {
  /** Names the target in error messages. */
  readonly name: string
  readonly signal: AbortSignal
  readonly onRetry: ((error: unknown) => void) | undefined
}

interface DeliveryFailure {
  readonly error: unknown
  /** The same batch would be refused again. */
  readonly isPermanent?: boolean
  readonly waitMs?: number | undefined
}

async function tryDelivery(batch: ShipBatch, target: ShipTarget, name: string): Promise<DeliveryFailure | undefined> {
  try {
    const response = await target(batch)
    if (!response) return undefined
    // An unread body may keep the connection busy.
    void response.body?.cancel().catch(() => {})
    const { ok, status, headers } = response
    return ok
      ? undefined
      : { error: shipRefusedError(name, status), isPermanent: !isTransientStatus(status), waitMs: retryAfterMs(headers) }
  } catch (error) {
    return { error }
  }
}

/** Browsers report the status of a redirect that is not followed as 0. */
const shipRefusedError = (name: string, status: number): ChaintapError =>
  new ChaintapError(
    'ship_refused',
    `${name} refused log records with ${status ? `status ${status}` : 'a redirect'}. They are still in the log: fix the target, then call shipTo() again.`,
  )
