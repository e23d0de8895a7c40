import { levels } from '../level.ts'
import type { LogMessage } from '../record.ts'
import type { Segment } from '../segment/segment.ts'

/** A promise of a segment's key, and the functions that settle it. Not `PromiseWithResolvers`: programs with the lib ES2023 lack it. */
interface KeyDeferred {
  readonly promise: Promise<number>
  readonly resolve: (key: number) => void
  readonly reject: (reason: unknown) => void
}

/** A segment that is not kept yet. */
export interface PendingSegment extends Segment {
  /** Of those that were written in this page: its place among them. */
  readonly number: number
  /** A transaction has it. */
  isSent: boolean
  /** It is the note of so many records that were dropped here. */
  readonly lostRecords: number
  /** Resolves with its key; rejects where it was not kept at the first try, or dropped. */
  stored: KeyDeferred
}

/** What a segment takes beside its body, in bytes: many that are small are not to be much. */
const SEGMENT_OVERHEAD_BYTES = 1_024

/**
 * Segments that wait to be kept. When there are more than it has room for, the oldest go, and a record in their place says how many
 * records are lost.
 */
export class BoundedSegmentQueue {
  /** The oldest first. */
  segments: readonly PendingSegment[] = []
  readonly #maxBytes: number
  #bytes = 0
  #nextNumber = 0

  /** `room` in bytes. */
  constructor(room: number) {
    this.#maxBytes = room
  }

  push(segment: Segment): void {
    this.#replaceAll([...this.segments, this.#toPending(segment)])
    while (this.#bytes > this.#maxBytes) {
      const oldest = this.segments.findIndex(({ isSent, lostRecords }) => !isSent && lostRecords === 0)
      if (oldest === -1 || oldest === this.segments.length - 1) return
      this.#dropAt(oldest)
    }
  }

  #replaceAll(all: readonly PendingSegment[]): void {
    this.segments = all
    this.#bytes = totalSegmentBytes(all) + all.length * SEGMENT_OVERHEAD_BYTES
  }

  get isHalfFull(): boolean {
    return this.#bytes > this.#maxBytes / 2
  }

  remove(gone: readonly PendingSegment[]): void {
    this.#replaceAll(this.segments.filter((waiting) => !gone.includes(waiting)))
  }

  #dropAt(at: number): void {
    const [gone, before] = [this.segments[at], this.segments[at - 1]]
    if (!gone) return
    const last = before && before.lostRecords > 0 && !before.isSent ? before : undefined
    const lost = (last?.lostRecords ?? 0) + gone.head.records
    const note = this.#toPending(createLossSegment(gone.head.name, lost), gone.number, lost)
    this.#replaceAll([...this.segments.slice(0, last ? at - 1 : at), note, ...this.segments.slice(at + 1)])
    if (last) note.stored.promise.then(last.stored.resolve, last.stored.reject)
    gone.stored.reject(new Error('There was no room for it in memory.'))
  }

  #toPending(segment: Segment, number = this.#nextNumber++, lost = 0): PendingSegment {
    return { ...segment, number, isSent: false, lostRecords: lost, stored: createKeyDeferred() }
  }
}

/** In bytes. */
export const totalSegmentBytes = (segments: readonly Segment[]): number => segments.reduce((sum, { head }) => sum + head.bytes, 0)

/** Of the note that a segment is lost. */
export const lossSegmentName = (gone: string): string => `${gone}.lost`

/** What stands in the log where records are missing; named after a segment that was lost. */
export function createLossSegment(gone: string, lost: number): Segment {
  const at = Date.now()
  const message = { level: 'warning' as const, at, category: ['chaintap', 'log'], message: `records lost: ${lost}`, properties: { lost } }
  const body = JSON.stringify(message satisfies LogMessage)
  const [level, none] = [levels.indexOf('warning'), [] as const]
  const head = {
    name: lossSegmentName(gone),
    records: 1,
    bytes: body.length,
    from: at,
    to: at,
    level,
    runs: none,
    roots: none,
    elsewhere: none,
  }
  return { head, body }
}

/** A promise that may be rejected though nobody waits for it. */
export function createKeyDeferred(): KeyDeferred {
  const kept = Promise.withResolvers<number>()
  kept.promise.catch(() => {})
  return kept
}
