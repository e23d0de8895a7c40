import type { ResponseInfo, Run } from '../../../core/event.ts'
import type { Usage } from '../../../core/usage.ts'
import type { LogLevel } from '../../level.ts'
import type { StoredMessage } from '../../record.ts'

/** What a line of the list stands for. `'run' in row` tells the two apart. */
export type Row = RunRow | MessageRow

interface RowPlacement {
  /** Of the run, or of the free record: the same through all that is heard later. */
  readonly id: string
  level: LogLevel
  /** Changes with everything that shows. */
  version: number
  /** Itself meets the filter; what does not is there for what lies below it. */
  isMatch: boolean
  /** Levels above it. */
  depth: number
  /** Its place among those beside it that are shown, from 1. */
  position: number
  /** Of what has nothing above it: its place among such, and that of its line, whether shown or not. */
  index: number
  line: number
}

/** A run, as far as its events were heard: they may come in any order. Times in ms since epoch. */
export interface RunRow extends RowPlacement {
  /** Made up where only the run's id was heard. */
  run: Run
  isKnown: boolean
  parent: RunRow | undefined
  readonly children: RunRow[]
  /** How many children are shown. */
  size: number
  /** The least that was heard. */
  firstSeq: number
  start: number | undefined
  end: number | undefined
  ending: 'ended' | 'failed' | 'stopped' | undefined
  /** When the first token came, and the last. */
  firstTokenAt: number | undefined
  lastTokenAt: number | undefined
  tokens: number
  /** Attempts that failed, and were followed by another one. */
  retries: number
  /** The least and the greatest time that was heard of it, or of anything below it. */
  from: number
  to: number
  usage: Usage | undefined
  /** Of a run that has nothing above it what all below it used, too. */
  totalUsage: Usage | undefined
  answered: ResponseInfo | undefined
  /** It was heard of since the viewer follows. */
  isLive: boolean
}

/** A free record. */
export interface MessageRow extends RowPlacement {
  readonly record: StoredMessage
}

const initialPlacement = { version: 0, isMatch: true, depth: 0, position: 0, index: -1, line: 0 }

/** What a run is of which nothing was heard. */
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

/** What has nothing above it. */
export function topRunOf(row: RunRow): RunRow {
  let top = row
  while (top.parent) top = top.parent
  return top
}

export type RunState = 'running' | 'unfinished' | NonNullable<RunRow['ending']>

/** `unfinished`: the log does not hold the end, and nobody is telling of the run now. */
export function runStateOf(row: RunRow): RunState {
  const top = topRunOf(row)
  return row.ending ?? (top.isLive && !top.ending ? 'running' : 'unfinished')
}

/** When it ended; where it has not, when it was last heard of, or anything of its tree while it is running. */
export const endTimeOf = (row: RunRow): number => row.end ?? (runStateOf(row) === 'running' ? topRunOf(row) : row).to

/** How long it took, or has taken so far, in ms; undefined where the beginning is not known. */
export const runDuration = (row: RunRow): number | undefined => (row.start === undefined ? undefined : endTimeOf(row) - row.start)

/** Tokens per second between the first and the last; undefined where there was no time between them. */
export function tokenRate({ tokens, firstTokenAt, lastTokenAt }: RunRow): number | undefined {
  return firstTokenAt === undefined || lastTokenAt === undefined || lastTokenAt <= firstTokenAt
    ? undefined
    : (1_000 * (tokens - 1)) / (lastTokenAt - firstTokenAt)
}

/** A run and all below it, from top to bottom. */
export function* runAndDescendants(row: RunRow): Generator<RunRow, void> {
  yield row
  for (const child of row.children) yield* runAndDescendants(child)
}
