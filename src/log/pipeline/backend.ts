import type { Segment, SegmentHeader } from '../segment/segment.ts'

/** The head of a segment that is kept. Keys rise in the order in which segments were committed, whoever wrote them. */
export interface StoredSegmentHeader extends SegmentHeader {
  readonly key: number
}

/** A part of the log, in whole segments. There may be fewer than `limit`; there are none only at its end. */
export interface SegmentRange {
  /** Keys, both included. */
  readonly from: number
  readonly to: number
  readonly order: 'asc' | 'desc'
  readonly limit: number
}

/** Where segments are kept. */
export interface Backend {
  /** Whether what it keeps outlives this page or process. */
  readonly isDurable: boolean
  /** Keeps all of them, or none; begun before it returns. Gives their keys when they are kept. */
  add(segments: readonly Segment[]): Promise<readonly number[]>
  heads(page: SegmentRange): Promise<readonly StoredSegmentHeader[]>
  /** Bodies by name; undefined for those that are gone. */
  bodies(names: readonly string[]): Promise<readonly (string | undefined)[]>
  remove(heads: readonly StoredSegmentHeader[]): Promise<void>
  clear(): Promise<void>
  /** The page may go now: makes sure of these segments, whether it was given them already or not, without waiting. */
  persistOnUnload?(segments: readonly Segment[]): void
  /** Told when somebody else has written, or removed segments. One listener. */
  watch?(changed: (isRemoval: boolean) => void): void
  /** Runs work unless somebody else is at it. */
  runExclusive?(work: () => Promise<void>): Promise<void>
  close(): void
}
