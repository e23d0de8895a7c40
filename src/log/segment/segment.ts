/** What is known of a segment without reading it. Plain JSON. */
export interface SegmentHeader {
  /** Nobody else has it: `<writer>.<number>`. */
  readonly name: string
  /** How many records are in it; joined tokens count one by one. */
  readonly records: number
  readonly bytes: number
  /** The least and the greatest `at`. */
  readonly from: number
  readonly to: number
  /** The highest level, as its index. */
  readonly level: number
  /** Ids of the runs that are told of in it, and of their roots. */
  readonly runs: readonly string[]
  readonly roots: readonly string[]
  /** Of those that are not whole in it, the name of the segment in which they are: `[id, name]`. */
  readonly elsewhere: readonly (readonly [string, string])[]
}

/** Some hundred records as one value, a line each; lines of joined tokens come last. */
export interface Segment {
  readonly head: SegmentHeader
  readonly body: string
}

/** What a body begins with that is sealed (indexeddb-seal.ts), and no other. */
export const PACKED_PREFIX = '\x1f'

export const isPackedBody = (body: string | undefined): boolean => body?.startsWith(PACKED_PREFIX) === true

/** A line of joined tokens of one run. */
export interface TokenRunLine {
  /** Of each token its length, and how far its time, `seq` and place are from those of the first. */
  readonly tokens: readonly number[]
  /** Its id. */
  readonly run: string
  readonly at: number
  readonly seq: number
  /** Of the first token, among the records of the segment. */
  readonly place: number
  readonly text: string
}

/** A segment and its place in the log. */
export interface LocatedSegment extends Segment {
  readonly cursorPrefix: string
}

/** A number as text that sorts as numbers do. */
export const toSortableNumber = (value: number, digits: number): string => value.toString(36).padStart(digits, '0')

/** The place of a segment that is kept. */
export const storedCursorPrefix = (key: number): string => toSortableNumber(key, 8)

/**
 * The place of a segment that waits to be kept, as long as it does: behind the one that is known as the newest. `~` sorts behind all that is
 * kept at that key.
 */
export const pendingCursorPrefix = (after: number, number: number): string => `${storedCursorPrefix(after)}-~${toSortableNumber(number, 6)}`

/** Whether a record's place is that of a segment that waits. */
export const isPendingCursor = (cursor: string): boolean => cursor.includes('~')
