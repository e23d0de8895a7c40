import type { SegmentHeader } from '../segment/segment.ts'
import type { PruneLimits } from '../store.ts'
import type { Backend, StoredSegmentHeader } from './backend.ts'

/** Returns a predicate for segments, to be called from the newest to the oldest: whether the segment is over the limits. */
export function exceedsLimits({
  maxRecords = Infinity,
  maxBytes = Infinity,
  maxAgeMs = Infinity,
}: PruneLimits): (head: SegmentHeader) => boolean {
  const oldest = Date.now() - maxAgeMs
  let [records, bytes] = [0, 0]
  return (head) => {
    const isNewest = records === 0
    records += head.records
    bytes += head.bytes
    return head.to < oldest || (!isNewest && (records > maxRecords || bytes > maxBytes))
  }
}

const PRUNE_PAGE_SIZE = 1_000

/** Removes the segments that are over the limits; resolves with whether there were any. Concurrent calls are harmless. */
export async function prune(backend: Backend, limits: PruneLimits): Promise<boolean> {
  const over = exceedsLimits(limits)
  let to = Infinity
  let isAny = false
  for (;;) {
    const heads: readonly StoredSegmentHeader[] = await backend.heads({ from: 0, to, order: 'desc', limit: PRUNE_PAGE_SIZE })
    const last = heads.at(-1)
    if (!last) return isAny
    to = last.key - 1
    const expired = heads.filter(over)
    if (expired.length > 0) await backend.remove(expired)
    isAny ||= expired.length > 0
  }
}

/**
 * Returns a function that is called with the size of every write, and prunes the backend on the first write and after each further 1/16 of
 * `maxBytes`. Only one tab prunes at a time. A backend in memory enforces its own limits.
 */
export function createRetentionEnforcer(backend: Backend, limits: PruneLimits | undefined, onRemoved: () => void): (bytes: number) => void {
  if (!limits || !backend.isDurable) return () => {}
  const step = (limits.maxBytes ?? 16_777_216) / 16
  let [grown, isRunning] = [Infinity, false]
  const work = async (): Promise<void> => {
    if (await prune(backend, limits)) onRemoved()
  }
  const enforce = (bytes: number): void => {
    grown += bytes
    if (isRunning || grown < step) return
    grown = 0
    isRunning = true
    const done = (): void => {
      isRunning = false
      // Writes in the meantime may have exceeded the limits again.
      enforce(0)
    }
    ;(backend.runExclusive?.(work) ?? work()).then(done, done)
  }
  return enforce
}
