import type { RunKind } from '../../../core/event.ts'
import type { LogLevel } from '../../level.ts'
import type { Row } from './row.ts'

/** Selects rows: every given field must match; a set matches if one of its items does. */
export interface ViewFilter {
  readonly levels?: ReadonlySet<LogLevel>
  /** `message` for free records. */
  readonly kinds?: ReadonlySet<RunKind | 'message'>
  readonly tag?: string
  /** ms since epoch. A run matches if any time from its first to its last record does. */
  readonly after?: number
  /** ms since epoch. */
  readonly before?: number
  /** Ids of the runs and free records that contain the searched text. */
  readonly found?: ReadonlySet<string>
}

export const isFilterActive = (filter: ViewFilter): boolean => Object.values(filter).some((part) => part !== undefined)

export function rowMatches(row: Row, { levels, kinds, tag, after, before, found }: ViewFilter): boolean {
  const isRun = 'run' in row
  const [from, to] = isRun ? [row.from, row.to] : [row.record.at, row.record.at]
  return (
    (levels === undefined || levels.has(row.level)) &&
    (kinds === undefined || kinds.has(isRun ? row.run.kind : 'message')) &&
    (tag === undefined || (isRun && row.run.tags.includes(tag))) &&
    (after === undefined || to >= after) &&
    (before === undefined || from <= before) &&
    (found === undefined || found.has(row.id))
  )
}
