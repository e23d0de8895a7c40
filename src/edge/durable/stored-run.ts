import type { RunOwner } from './access.ts'
import type { DurableStorage } from './platform.ts'

/** What is stored of a run beside its frames. */
export interface StoredRun extends RunOwner {
  readonly id: string
  readonly startedAt: number
  /** Hash of what it was asked with, where it has a key. */
  readonly body?: string
  readonly endedAt?: number
  /** JSON of how it ended. */
  readonly outcome?: string
}

const STORED_RUN_KEY = 'chaintap'

export const readStoredRun = ({ kv }: DurableStorage): StoredRun | undefined => kv.get(STORED_RUN_KEY) as StoredRun | undefined

export const writeStoredRun = ({ kv }: DurableStorage, head: StoredRun): void => kv.put(STORED_RUN_KEY, head)

/** What is told of a run without its events. */
export function runStatusResponse({ id, startedAt, endedAt, outcome = '{"status":"running"}' }: StoredRun, last: number): Response {
  // The last frame of a run that is over is the outcome's, which is no event.
  const events = endedAt ? last : last + 1
  return Response.json({ id, startedAt, ...(endedAt && { endedAt }), events, ...(JSON.parse(outcome) as object) })
}
