import type { RunOwner } from './access.ts'
import type { DurableStorage } from './platform.ts'

/** What is stored of a run in addition to its frames. */
export interface StoredRun extends RunOwner {
  readonly id: string
  readonly startedAt: number
  /** Hash of the request body, if the request had an idempotency key. */
  readonly body?: string
  readonly endedAt?: number
  /** The outcome as JSON, once the run has ended. */
  readonly outcome?: string
}

const STORED_RUN_KEY = 'chaintap'

export const readStoredRun = ({ kv }: DurableStorage): StoredRun | undefined => kv.get(STORED_RUN_KEY) as StoredRun | undefined

export const writeStoredRun = ({ kv }: DurableStorage, run: StoredRun): void => kv.put(STORED_RUN_KEY, run)

/** Responds with the status of a run. */
export function runStatusResponse({ id, startedAt, endedAt, outcome = '{"status":"running"}' }: StoredRun, last: number): Response {
  // The last frame of a run that has ended is the outcome, which is no event.
  const events = endedAt ? last : last + 1
  return Response.json({ id, startedAt, ...(endedAt && { endedAt }), events, ...(JSON.parse(outcome) as object) })
}
