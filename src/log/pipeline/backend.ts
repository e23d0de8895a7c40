import type { Segment, SegmentHeader } from '../segment/segment.ts'

/** The header of a stored segment. Keys ascend in the order in which segments were committed, by any tab. */
export interface StoredSegmentHeader extends SegmentHeader {
  readonly key: number
}

/** A range of segments. The result may have fewer than `limit`; it is empty only at the end of the log. */
export interface SegmentRange {
  /** First and last key, both included. */
  readonly from: number
  readonly to: number
  readonly order: 'asc' | 'desc'
  readonly limit: number
}

/** Where segments are stored. */
export interface Backend {
  /** Whether stored segments outlive this page or process. */
  readonly isDurable: boolean
  /** Stores all segments, or none; starts before it returns. Resolves with their keys once they are stored. */
  add(segments: readonly Segment[]): Promise<readonly number[]>
  heads(page: SegmentRange): Promise<readonly StoredSegmentHeader[]>
  /** Bodies by segment name; `undefined` for segments that were removed. */
  bodies(names: readonly string[]): Promise<readonly (string | undefined)[]>
  remove(heads: readonly StoredSegmentHeader[]): Promise<void>
  clear(): Promise<void>
  /** Called when the page may be discarded: saves these segments synchronously, including those passed to `add` before. */
  persistOnUnload?(segments: readonly Segment[]): void
  /** Sets the one listener for segments written or removed by others. */
  watch?(onChange: (isRemoval: boolean) => void): void
  /** Runs `work` unless another tab is running it. */
  runExclusive?(work: () => Promise<void>): Promise<void>
  close(): void
}
