import type { LogFeed } from './feed.ts'
import { isFilterActive } from './filter.ts'
import { plural } from './labels.ts'
import type { LogModel } from './log-model.ts'

const NO_STORE_TEXT = 'No log is attached yet. Give the element one: element.store = log.store'
const NO_RECORDS_TEXT =
  "Nothing is in this log yet. Give a chain a handler that writes to it, callbacks: [logHandler(store)], or say something yourself: store.logger('app').info('ready')"

/** What the viewer says of itself. */
export interface ViewerStatus {
  /** `reading`, `live`, `closed`; empty without a log. */
  readonly state: string
  readonly counts: string
  /** Why there is no line, and what to do; empty where there is one. */
  readonly emptyText: string
  readonly isFiltered: boolean
}

export function createViewerStatus(model: LogModel, feed: LogFeed | undefined, isSearching: boolean): ViewerStatus {
  const isReading = isSearching || feed?.isReading === true
  const isFiltered = isFilterActive(model.filter)
  return {
    state: feed ? (isReading ? 'reading' : feed.state === 'over' ? 'closed' : 'live') : '',
    counts: countsText(model, feed, isFiltered),
    emptyText: model.rows.length > 0 ? '' : feed ? emptyReasonText(model, isReading) : NO_STORE_TEXT,
    isFiltered,
  }
}

function countsText({ records, topCounts }: LogModel, feed: LogFeed | undefined, isFiltered: boolean): string {
  if (records === 0) return ''
  const shown = isFiltered ? [`${topCounts.shown.toLocaleString()} of ${plural(topCounts.all, 'line')}`] : []
  return [...shown, plural(records, 'record'), ...(feed?.hasOlder ? ['older ones when you scroll up'] : [])].join(' · ')
}

function emptyReasonText({ records }: LogModel, isReading: boolean): string {
  if (isReading) return 'Reading …'
  return records === 0 ? NO_RECORDS_TEXT : 'Nothing matches the filters.'
}
