import type { Head } from '../segment/segment.ts'
import type { PruneLimits } from '../store.ts'
import type { Backend, KeptHead } from './backend.ts'

/** Asked of segments from the newest to the oldest: whether it is over the limits. */
export function isOver({ maxRecords = Infinity, maxBytes = Infinity, maxAgeMs = Infinity }: PruneLimits): (head: Head) => boolean {
  const oldest = Date.now() - maxAgeMs
  let [records, bytes] = [0, 0]
  return (head) => {
    const isNewest = records === 0
    records += head.records
    bytes += head.bytes
    return head.to < oldest || (!isNewest && (records > maxRecords || bytes > maxBytes))
  }
}

const PAGE = 1_000

/** Removes what is over the limits; says whether there was anything. Two at once do no harm. */
export async function prune(backend: Backend, limits: PruneLimits): Promise<boolean> {
  const over = isOver(limits)
  let to = Infinity
  let isAny = false
  for (;;) {
    const heads: readonly KeptHead[] = await backend.heads({ from: 0, to, order: 'desc', limit: PAGE })
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
export function keeper(backend: Backend, limits: PruneLimits | undefined, removed: () => void): (bytes: number) => void {
  if (!limits || !backend.isDurable) return () => {}
  const step = (limits.maxBytes ?? 16_777_216) / 16
  let [grown, isAtIt] = [Infinity, false]
  const work = async (): Promise<void> => {
    if (await prune(backend, limits)) removed()
  }
  const hold = (bytes: number): void => {
    grown += bytes
    if (isAtIt || grown < step) return
    grown = 0
    isAtIt = true
    const done = (): void => {
      isAtIt = false
      // What has come meanwhile may be too much again.
      hold(0)
    }
    ;(backend.alone?.(work) ?? work()).then(done, done)
  }
  return hold
}
