import type { Owner } from './access.ts'
import type { DurableStorage } from './platform.ts'

/** What is stored of a run beside its frames. */
export interface Head extends Owner {
  readonly id: string
  readonly startedAt: number
  /** Hash of what it was asked with, where it has a key. */
  readonly body?: string
  readonly endedAt?: number
  /** JSON of how it ended. */
  readonly outcome?: string
}

const HEAD = 'chaintap'

export const headIn = ({ kv }: DurableStorage): Head | undefined => kv.get(HEAD) as Head | undefined

export const putHead = ({ kv }: DurableStorage, head: Head): void => kv.put(HEAD, head)

/** What is told of a run without its events. */
export function statusOf({ id, startedAt, endedAt, outcome = '{"status":"running"}' }: Head, last: number): Response {
  // The last frame of a run that is over is the outcome's, which is no event.
  const events = endedAt ? last : last + 1
  return Response.json({ id, startedAt, ...(endedAt && { endedAt }), events, ...(JSON.parse(outcome) as object) })
}
