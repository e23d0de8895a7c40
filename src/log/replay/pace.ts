import { ChaintapError } from '../../core/errors.ts'
import type { RunEvent } from '../../core/event.ts'
import type { Source } from '../../core/flow/source.ts'
import { sleep } from '../../core/util/backoff.ts'
import { MAX_TIMER_MS } from '../../core/util/signal.ts'
import { type ReadableLog, readRecords } from '../read-records.ts'
import type { LogQuery } from '../record.ts'

/** How many events are given at once. */
const MAX_BATCH_EVENTS = 256

export function checkSpeed(speed: number): void {
  if (!(speed > 0))
    throw new ChaintapError(
      'invalid_options',
      `speed is ${speed}: give 1 for the pace at which it happened, 2 for twice that, Infinity for no waiting.`,
    )
}

/** The events of a query, until one that `isLast`. */
export async function* readEvents(
  store: ReadableLog,
  query: LogQuery,
  isLast: (event: RunEvent) => boolean,
): AsyncGenerator<RunEvent, void> {
  for await (const record of readRecords(store, query)) {
    if (!('event' in record)) continue
    yield record.event
    if (isLast(record.event)) return
  }
}

/** Gives events when their time has come, those together whose time has. `from`: when it began, in the time of the events. */
export function paceEvents(
  events: AsyncGenerator<RunEvent, void>,
  { speed, signal, from }: { readonly speed: number; readonly signal: AbortSignal; readonly from?: number },
): Source<readonly RunEvent[]> {
  const began = performance.now()
  let first = from
  let latest = -Infinity
  /** Read, and not given yet. */
  let held: RunEvent | undefined
  const read = async (): Promise<RunEvent | undefined> => (await events.next()).value ?? undefined
  // The clock of the log went backwards at times; its events did not.
  const waitFor = ({ at }: RunEvent): number => {
    first ??= at
    latest = Math.max(latest, at)
    return began + (latest - first) / speed - performance.now()
  }
  return {
    async next() {
      let event = held ?? (await read())
      if (!event) return { done: true }
      for (let wait = waitFor(event); wait > 0; wait = waitFor(event)) await sleep(Math.min(wait, MAX_TIMER_MS), signal)
      const batch: RunEvent[] = []
      while (event && batch.length < MAX_BATCH_EVENTS && waitFor(event) <= 0) {
        batch.push(event)
        event = await read()
      }
      held = event
      return { done: false, value: batch }
    },
    cancel: () => void events.return().catch(() => {}),
  }
}
