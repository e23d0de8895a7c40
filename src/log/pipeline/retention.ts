import type { SegmentHeader } from '../segment/segment.ts'
import type { PruneLimits } from '../store.ts'
import type { Backend, StoredSegmentHeader } from './backend.ts'

/** Asked of segments from the newest to the oldest: whether it is over the limits. */
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

/** Removes what is over the limits; says whether there was anything. Two at once do no harm. */
export async function prune(backend: Backend, limits: PruneLimits): Promise<boolean> {
  const over = exceedsLimits(limits)
  let to = Infinity
  let isAny = false
  for (;;) {
    const heads: readonly StoredSegmentHeader[] = await backend.heads({ from: 0, to, order: 'desc', limit: PRUNE_PAGE_SIZE })
    const last = heads.at(-1)
    if (!last) return isAny
    to = last.key - 1
    const gone = heads.filter(over)
    if (gone.length > 0) await backend.remove(gone)
    isAny ||= gone.length > 0
  }
}

/**
 * Holds the limits of a backend, when it is opened and then whenever it has grown by a sixteenth: told of every write how large it was.
 * One does it at a time. A backend in memory holds its own.
 */
export function createRetentionEnforcer(backend: Backend, limits: PruneLimits | undefined, removed: () => void): (bytes: number) => void {
  if (!limits || !backend.isDurable) return () => {}
  const step = (limits.maxBytes ?? 16_777_216) / 16
  let [grown, isRunning] = [Infinity, false]
  const work = async (): Promise<void> => {
    if (await prune(backend, limits)) removed()
  }
  const enforce = (bytes: number): void => {
    grown += bytes
    if (isRunning || grown < step) return
    grown = 0
    isRunning = true
    const done = (): void => {
      isRunning = false
      // What has come meanwhile may be too much again.
      enforce(0)
    }
    ;(backend.runExclusive?.(work) ?? work()).then(done, done)
  }
  return enforce
}
