import type { ResponseInfo, Run } from '../../../core/event.ts'
import type { Usage } from '../../../core/usage.ts'
import type { LogLevel } from '../../level.ts'
import type { StoredMessage } from '../../record.ts'

/** A row of the list; `'run' in row` distinguishes the two types. */
export type Row = RunRow | MessageRow

interface RowPlacement {
  /** The id of the run or of the free record. */
  readonly id: string
  level: LogLevel
  /** Increases with every change that is displayed. */
  version: number
  /** Whether the row itself matches the filter; others are displayed for the rows below them. */
  isMatch: boolean
  /** Number of rows above it in the tree. */
  depth: number
  /** Position among its displayed siblings, from 1. */
  position: number
  /** Index among the top-level rows; -1 for other rows. */
  index: number
  /** Of a top-level row: index of its line, or of the line that follows if it is not displayed. */
  line: number
}

/** A run, built from its events in any order. Times are in ms since epoch. */
export interface RunRow extends RowPlacement {
  /** A placeholder while only the id of the run is known. */
  run: Run
  /** Whether `run` is the logged run. */
  isKnown: boolean
  parent: RunRow | undefined
  readonly children: RunRow[]
  /** Number of displayed children. */
  size: number
  /** Lowest `seq` of its events. */
  firstSeq: number
  start: number | undefined
  end: number | undefined
  ending: 'ended' | 'failed' | 'stopped' | undefined
  firstTokenAt: number | undefined
  lastTokenAt: number | undefined
  tokens: number
  /** Number of retry events. */
  retries: number
  /** Times of the first and last event of the run and the runs below it. */
  from: number
  to: number
  usage: Usage | undefined
  /** Of a top-level run: including the usage of all runs below it. */
  totalUsage: Usage | undefined
  answered: ResponseInfo | undefined
  /** Of a top-level run: whether its tree received events while the viewer followed the log. */
  isLive: boolean
}

/** A free record. */
export interface MessageRow extends RowPlacement {
  readonly record: StoredMessage
}

const initialPlacement = { version: 0, isMatch: true, depth: 0, position: 0, index: -1, line: 0 }

/** The state of a run without events. */
export const initialRunState: Omit<RunRow, keyof RowPlacement | 'run' | 'isKnown' | 'parent' | 'children' | 'size'> = {
  firstSeq: Infinity,
  start: undefined,
  end: undefined,
  ending: undefined,
  firstTokenAt: undefined,
  lastTokenAt: undefined,
  tokens: 0,
  retries: 0,
  from: Infinity,
  to: -Infinity,
  usage: undefined,
  totalUsage: undefined,
  answered: undefined,
  isLive: false,
}

export function createRunRow(run: Run): RunRow {
  return {
    ...initialPlacement,
    ...initialRunState,
    id: run.id,
    level: 'info',
    run,
    isKnown: false,
    parent: undefined,
    children: [],
    size: 0,
  }
}

export const createMessageRow = (record: StoredMessage): MessageRow => ({ ...initialPlacement, id: record.id, level: record.level, record })

/** The top-level run above a run. */
export function topRunOf(row: RunRow): RunRow {
  let top = row
  while (top.parent) top = top.parent
  return top
}

/** The displayed state of a run. */
export type RunState = 'running' | 'unfinished' | NonNullable<RunRow['ending']>

/** `running`: no end yet, and its tree receives events. `unfinished`: no end in the log. */
export function runStateOf(row: RunRow): RunState {
  const top = topRunOf(row)
  return row.ending ?? (top.isLive && !top.ending ? 'running' : 'unfinished')
}

/** The end of a run; without one, the time of its last event, or of the last event of its tree while it is running. */
export const endTimeOf = (row: RunRow): number => row.end ?? (runStateOf(row) === 'running' ? topRunOf(row) : row).to

/** The duration of a run so far, in ms; `undefined` if its start is unknown. */
export const runDuration = (row: RunRow): number | undefined => (row.start === undefined ? undefined : endTimeOf(row) - row.start)

/** Tokens per second between the first and the last token; `undefined` if no time passed between them. */
export function tokenRate({ tokens, firstTokenAt, lastTokenAt }: RunRow): number | undefined {
  return firstTokenAt === undefined || lastTokenAt === undefined || lastTokenAt <= firstTokenAt
    ? undefined
    : (1_000 * (tokens - 1)) / (lastTokenAt - firstTokenAt)
}

/** A run and all runs below it, in display order. */
export function* runAndDescendants(row: RunRow): Generator<RunRow, void> {
  yield row
  for (const child of row.children) yield* runAndDescendants(child)
}
