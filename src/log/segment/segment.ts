/** The metadata of a segment, readable without its body. Plain JSON. */
export interface SegmentHeader {
  /** Globally unique: `<writer>.<number>`. */
  readonly name: string
  /** Number of records; each merged token is one. */
  readonly records: number
  /** Estimated size of the body, in bytes. */
  readonly bytes: number
  /** Smallest and largest `at`. */
  readonly from: number
  readonly to: number
  /** Highest level, as an index of `levels`. */
  readonly level: number
  /** Ids of the runs whose events it contains, and of their root runs. */
  readonly runs: readonly string[]
  readonly roots: readonly string[]
  /** The runs whose Run object is in another segment: `[run id, segment name]`. */
  readonly elsewhere: readonly (readonly [string, string])[]
  /** Of an encrypted segment: authenticates the other fields (indexeddb/pack.ts). */
  readonly seal?: string
}

/** A few hundred records in one value, one per line; the lines of merged tokens come last. */
export interface Segment {
  readonly head: SegmentHeader
  readonly body: string
}

/** First character of a compressed or encrypted body (indexeddb/pack.ts), and of no other. */
export const PACKED_PREFIX = '\x1f'

export const isPackedBody = (body: string | undefined): boolean => body?.startsWith(PACKED_PREFIX) === true

/** A line of merged tokens of one run. */
export interface TokenRunLine {
  /** Four numbers per token: its length, and the differences of its `at`, `seq` and place from those of the first token. */
  readonly tokens: readonly number[]
  /** The run's id. */
  readonly run: string
  readonly at: number
  readonly seq: number
  /** Index of the first token among the records of the segment. */
  readonly place: number
  readonly text: string
}

/** A segment with its position in the log. */
export interface LocatedSegment extends Segment {
  readonly cursorPrefix: string
}

/** Encodes a number so that the strings sort in numeric order. */
export const toSortableNumber = (value: number, digits: number): string => value.toString(36).padStart(digits, '0')

/** Cursor prefix of a stored segment. */
export const storedCursorPrefix = (key: number): string => toSortableNumber(key, 8)

/**
 * Cursor prefix of a segment that is not stored yet: after the newest known stored segment, whose key is `after`. `~` sorts after every
 * record of that segment.
 */
export const pendingCursorPrefix = (after: number, number: number): string => `${storedCursorPrefix(after)}-~${toSortableNumber(number, 6)}`

/** Whether a cursor belongs to a segment that is not stored yet. */
export const isPendingCursor = (cursor: string): boolean => cursor.includes('~')
