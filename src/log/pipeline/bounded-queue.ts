import { levels } from '../level.ts'
import type { LogMessage } from '../record.ts'
import type { Segment } from '../segment/segment.ts'

/** A promise of a segment's key, and the functions that settle it. Not `PromiseWithResolvers`: programs with the lib ES2023 lack it. */
interface KeyDeferred {
  readonly promise: Promise<number>
  readonly resolve: (key: number) => void
  readonly reject: (reason: unknown) => void
}

/** A segment that is not stored yet. */
export interface PendingSegment extends Segment {
  /** Index among the segments written in this page. */
  readonly number: number
  /** Whether it has been passed to a transaction. */
  isSent: boolean
  /** Number of dropped records that this segment reports; 0 for a segment of records. */
  readonly lostRecords: number
  /** Resolves with its key; rejects if the first attempt to store it fails, or if it is dropped. */
  stored: KeyDeferred
}

/** Size of a segment beside its body, in bytes, so that many small segments count too. */
const SEGMENT_OVERHEAD_BYTES = 1_024

/** Segments that are not stored yet. Beyond `maxBytes` the oldest are dropped; a record in their place reports the number of lost records. */
export class BoundedSegmentQueue {
  /** Oldest first. */
  segments: readonly PendingSegment[] = []
  readonly #maxBytes: number
  #bytes = 0
  #nextNumber = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
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

  remove(segments: readonly PendingSegment[]): void {
    this.#replaceAll(this.segments.filter((pending) => !segments.includes(pending)))
  }

  /** Replaces a segment by a note of the loss, which includes the note before it. */
  #dropAt(at: number): void {
    const [dropped, before] = [this.segments[at], this.segments[at - 1]]
    if (!dropped) return
    const last = before && before.lostRecords > 0 && !before.isSent ? before : undefined
    const lost = (last?.lostRecords ?? 0) + dropped.head.records
    const note = this.#toPending(createLossSegment(dropped.head.name, lost), dropped.number, lost)
    this.#replaceAll([...this.segments.slice(0, last ? at - 1 : at), note, ...this.segments.slice(at + 1)])
    if (last) note.stored.promise.then(last.stored.resolve, last.stored.reject)
    dropped.stored.reject(new Error('The records waiting in memory exceeded `room`; the oldest were dropped.'))
  }

  #toPending(segment: Segment, number = this.#nextNumber++, lost = 0): PendingSegment {
    return { ...segment, number, isSent: false, lostRecords: lost, stored: createKeyDeferred() }
  }
}

/** Total size of the bodies, in bytes. */
export const totalSegmentBytes = (segments: readonly Segment[]): number => segments.reduce((sum, { head }) => sum + head.bytes, 0)

/** Name of the segment that reports the loss of another one. */
export const lossSegmentName = (name: string): string => `${name}.lost`

/** Creates the segment that stands in the log for `lost` missing records, named after a lost segment. */
export function createLossSegment(lostName: string, lost: number): Segment {
  const at = Date.now()
  const message = { level: 'warning' as const, at, category: ['chaintap', 'log'], message: `records lost: ${lost}`, properties: { lost } }
  const body = JSON.stringify(message satisfies LogMessage)
  const [level, none] = [levels.indexOf('warning'), [] as const]
  const head = {
    name: lossSegmentName(lostName),
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

/** A deferred whose rejection may stay unhandled. */
export function createKeyDeferred(): KeyDeferred {
  const stored = Promise.withResolvers<number>()
  stored.promise.catch(() => {})
  return stored
}
