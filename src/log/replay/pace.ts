import { ChaintapError } from '../../core/errors.ts'
import type { RunEvent } from '../../core/event.ts'
import type { Source } from '../../core/flow/source.ts'
import { sleep } from '../../core/util/backoff.ts'
import { MAX_TIMER_MS } from '../../core/util/signal.ts'
import { type ReadableLog, readRecords } from '../read-records.ts'
import type { LogQuery } from '../record.ts'

/** Maximum number of events per batch. */
const MAX_BATCH_EVENTS = 256

/** Throws unless `speed` is a positive number. */
export function checkSpeed(speed: number): void {
  if (!(speed > 0))
    throw new ChaintapError(
      'invalid_options',
      `speed must be a positive number, but is ${speed}. 1 is the original pace, 2 twice as fast, Infinity does not wait.`,
    )
}

/** Reads the events of a query, up to and including the first for which `isLast` returns `true`. */
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

/** Emits events when they are due, those that are due together as one batch. `from`: the start, in the time of the events (ms since epoch). */
export function paceEvents(
  events: AsyncGenerator<RunEvent, void>,
  { speed, signal, from }: { readonly speed: number; readonly signal: AbortSignal; readonly from?: number },
): Source<readonly RunEvent[]> {
  const began = performance.now()
  let first = from
  let latest = -Infinity
  /** Read, but not due yet. */
  let held: RunEvent | undefined
  const read = async (): Promise<RunEvent | undefined> => (await events.next()).value ?? undefined
  // The logging clock may have been set back: events are never due before those that precede them.
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
